/* SPDX-License-Identifier: Apache-2.0 */
/* jmespath_node.c - the nodes of an expression, made and evaluated. An evaluation recurses as deep as the nodes. */
#include "base/assert.h"
#include "json/jmespath_internal.h"

/* --- made */
struct node *node_new(struct arena *arena, enum node_kind kind, struct node *left,
                      struct node *right)
{
    struct node *node = arena_alloc(arena, sizeof(*node));

    node->kind = kind;
    node->left = left;
    node->right = right;
    node->depth = 1;
    if (left != NULL) {
        node->depth = left->depth + 1;
    }
    if (right != NULL && right->depth >= node->depth) {
        node->depth = right->depth + 1;
    }
    return node;
}

/* Children grow by doubling; the old array stays in the arena. */
void node_add(struct arena *arena, struct node *node, struct node *child, struct str name)
{
    if ((node->count & (node->count - 1)) == 0) {
        size_t room = node->count == 0 ? 1 : (size_t)node->count * 2;
        struct node **children = arena_alloc(arena, room * sizeof(struct node *));
        struct str *names = arena_alloc(arena, room * sizeof(*names));

        for (uint32_t i = 0; i < node->count; i++) {
            children[i] = node->children[i];
            names[i] = node->names[i];
        }
        node->children = children;
        node->names = names;
    }
    node->children[node->count] = child;
    node->names[node->count++] = name;
    node->depth = child->depth >= node->depth ? child->depth + 1 : node->depth;
}

/* --- evaluated */
static int eval_sub(struct run *run, const struct node *node, struct value *current,
                    struct value **ret_value)
{
    struct value *left = NULL;
    int rc = node_eval(run, node->left, current, &left);

    return rc == 0 ? node_eval(run, node->right, left, ret_value) : rc;
}

/* Or gives the left side when that is true, and when it is false. */
static int eval_either(struct run *run, const struct node *node, struct value *current,
                       struct value **ret_value)
{
    struct value *left = NULL;
    int rc = node_eval(run, node->left, current, &left);

    if (rc != 0 || value_truth(left) == (node->kind == NODE_OR)) {
        *ret_value = left;
        return rc;
    }
    return node_eval(run, node->right, current, ret_value);
}

static bool order_fits(enum compare_op op, int order)
{
    switch (op) {
    case OP_LT:
        return order < 0;
    case OP_LE:
        return order <= 0;
    case OP_GT:
        return order > 0;
    case OP_GE:
        return order >= 0;
    case OP_EQ:
    case OP_NE:
        break;
    }
    return false;
}

/* Only numbers have an order; asking for it of anything else gives null. */
static int eval_compare(struct run *run, const struct node *node, struct value *current,
                        struct value **ret_value)
{
    struct value *left = NULL;
    struct value *right = NULL;
    bool equal = false;
    int order = 0;
    int rc = node_eval(run, node->left, current, &left);

    if (rc == 0) {
        rc = node_eval(run, node->right, current, &right);
    }
    if (rc != 0) {
        return rc;
    }
    if (node->op == OP_EQ || node->op == OP_NE) {
        rc = value_equal(run, left, right, &equal);
        return rc == 0 ? value_give(value_bool(run, equal == (node->op == OP_EQ)), ret_value)
                       : rc;
    }
    if (left->kind != VALUE_NUMBER || right->kind != VALUE_NUMBER) {
        return value_give(value_new(run, VALUE_NULL), ret_value);
    }
    return value_order(run, left, right, &order)
               ? value_give(value_bool(run, order_fits(node->op, order)), ret_value)
               : -E_INVALID;
}

/* Where a slice begins or ends: counted from the end when negative, cut to what is there. */
static int64_t slice_bound(int64_t at, int64_t count, bool is_down)
{
    at += at < 0 ? count : 0;
    if (at < 0) {
        return is_down ? -1 : 0;
    }
    if (at >= count) {
        return is_down ? count - 1 : count;
    }
    return at;
}

static int eval_slice(struct run *run, const struct node *node, struct value *current,
                      struct value **ret_value)
{
    int64_t step = node->has[2] ? node->slice[2] : 1;
    bool is_down = step < 0;
    int64_t count = current->count;
    int64_t from = is_down ? count - 1 : 0;
    int64_t to = is_down ? -1 : count;
    struct value *items;

    if (current->kind != VALUE_ARRAY) {
        return value_give(value_new(run, VALUE_NULL), ret_value);
    }
    ASSERT(step != 0);
    from = node->has[0] ? slice_bound(node->slice[0], count, is_down) : from;
    to = node->has[1] ? slice_bound(node->slice[1], count, is_down) : to;
    items = value_array(run, current->count);
    if (items == NULL || !value_open(run, current)) {
        return -E_INVALID;
    }
    for (int64_t i = from; is_down ? i > to : i < to; i += step) {
        value_push(items, current->items[i]);
    }
    return run_step(run, items->count) ? value_give(items, ret_value) : -E_INVALID;
}

static size_t flat_count(const struct value *v)
{
    size_t count = 0;

    for (uint32_t i = 0; i < v->count; i++) {
        count += v->items[i]->kind == VALUE_ARRAY ? v->items[i]->count : 1;
    }
    return count;
}

static int eval_flatten(struct run *run, const struct node *node, struct value *current,
                        struct value **ret_value)
{
    struct value *left = NULL;
    struct value *flat;
    int rc = node_eval(run, node->left, current, &left);

    if (rc != 0) {
        return rc;
    }
    if (left->kind != VALUE_ARRAY) {
        return value_give(value_new(run, VALUE_NULL), ret_value);
    }
    if (!value_open(run, left) || !run_step(run, flat_count(left))) {
        return -E_INVALID;
    }
    flat = value_array(run, flat_count(left));
    for (uint32_t i = 0; flat != NULL && i < left->count; i++) {
        struct value *item = left->items[i];

        if (item->kind != VALUE_ARRAY) {
            value_push(flat, item);
            continue;
        }
        if (!value_open(run, item)) {
            return -E_INVALID;
        }
        for (uint32_t k = 0; k < item->count; k++) {
            value_push(flat, item->items[k]);
        }
    }
    return value_give(flat, ret_value);
}

/* Is this item to be projected? */
static int meets(struct run *run, const struct node *condition, struct value *item,
                 bool *ret_met)
{
    struct value *v = NULL;
    int rc;

    if (condition == NULL) {
        *ret_met = true;
        return 0;
    }
    rc = node_eval(run, condition, item, &v);
    if (rc == 0) {
        *ret_met = value_truth(v);
    }
    return rc;
}

/* The right side of each item; null is left out. */
static int eval_projection(struct run *run, const struct node *node, struct value *current,
                           struct value **ret_value)
{
    enum value_kind wanted = node->kind == NODE_VALUES_PROJECTION ? VALUE_OBJECT : VALUE_ARRAY;
    struct value *left = NULL;
    struct value *items;
    int rc = node_eval(run, node->left, current, &left);

    if (rc != 0) {
        return rc;
    }
    if (left->kind != wanted) {
        return value_give(value_new(run, VALUE_NULL), ret_value);
    }
    items = value_array(run, left->count);
    if (items == NULL || !value_open(run, left)) {
        return -E_INVALID;
    }
    for (uint32_t i = 0; i < left->count; i++) {
        struct value *item = NULL;
        bool is_met = false;

        rc = meets(run, node->condition, left->items[i], &is_met);
        if (rc == 0 && is_met) {
            rc = node_eval(run, node->right, left->items[i], &item);
        }
        if (rc != 0) {
            return rc;
        }
        if (item != NULL && item->kind != VALUE_NULL) {
            value_push(items, item);
        }
    }
    return value_give(items, ret_value);
}

/* [a, b] and {x: a}: of null it is null. */
static int eval_select(struct run *run, const struct node *node, struct value *current,
                       struct value **ret_value)
{
    bool is_hash = node->kind == NODE_HASH;
    struct value *made;

    if (current->kind == VALUE_NULL) {
        return value_give(value_new(run, VALUE_NULL), ret_value);
    }
    made = is_hash ? value_object(run, node->count) : value_array(run, node->count);
    for (uint32_t i = 0; made != NULL && i < node->count; i++) {
        struct value *item = NULL;
        int rc = node_eval(run, node->children[i], current, &item);

        if (rc != 0) {
            return rc;
        }
        if (is_hash) {
            value_put(made, node->names[i], item);
        } else {
            value_push(made, item);
        }
    }
    return value_give(made, ret_value);
}

static int eval_function(struct run *run, const struct node *node, struct value *current,
                         struct value **ret_value)
{
    struct value **args = arena_alloc(run->arena, (node->count + 1) * sizeof(struct value *));

    for (uint32_t i = 0; i < node->count; i++) {
        int rc = node_eval(run, node->children[i], current, &args[i]);

        if (rc != 0) {
            return rc;
        }
    }
    return node->function->call(run, args, node->count, ret_value);
}

static int eval_not(struct run *run, const struct node *node, struct value *current,
                    struct value **ret_value)
{
    struct value *left = NULL;
    int rc = node_eval(run, node->left, current, &left);

    return rc == 0 ? value_give(value_bool(run, !value_truth(left)), ret_value) : rc;
}

static int eval_reference(struct run *run, const struct node *node, struct value **ret_value)
{
    struct value *v = value_new(run, VALUE_EXPRESSION);

    if (v != NULL) {
        v->node = node->left;
    }
    return value_give(v, ret_value);
}

int node_eval(struct run *run, const struct node *node, struct value *current,
              struct value **ret_value)
{
    if (!run_step(run, 1)) {
        return -E_INVALID;
    }
    switch (node->kind) {
    case NODE_IDENTITY:
        return value_give(current, ret_value);
    case NODE_FIELD:
        return value_give(value_member(run, current, node->text), ret_value);
    case NODE_INDEX:
        return value_give(value_item(run, current, node->slice[0]), ret_value);
    case NODE_SLICE:
        return eval_slice(run, node, current, ret_value);
    case NODE_SUB:
        return eval_sub(run, node, current, ret_value);
    case NODE_OR:
    case NODE_AND:
        return eval_either(run, node, current, ret_value);
    case NODE_NOT:
        return eval_not(run, node, current, ret_value);
    case NODE_COMPARE:
        return eval_compare(run, node, current, ret_value);
    case NODE_LITERAL:
        return value_give(node->literal, ret_value);
    case NODE_FLATTEN:
        return eval_flatten(run, node, current, ret_value);
    case NODE_PROJECTION:
    case NODE_VALUES_PROJECTION:
    case NODE_FILTER:
        return eval_projection(run, node, current, ret_value);
    case NODE_LIST:
    case NODE_HASH:
        return eval_select(run, node, current, ret_value);
    case NODE_FUNCTION:
        return eval_function(run, node, current, ret_value);
    case NODE_EXPRESSION:
        return eval_reference(run, node, ret_value);
    }
    return -E_INTERNAL;
}

/* --- the whole */
const char *jmespath_error_name(enum jmespath_error error)
{
    static const char *const names[] = {
        [JMESPATH_OK] = "",
        [JMESPATH_SYNTAX] = "syntax",
        [JMESPATH_UNKNOWN_FUNCTION] = "unknown-function",
        [JMESPATH_INVALID_ARITY] = "invalid-arity",
        [JMESPATH_INVALID_TYPE] = "invalid-type",
        [JMESPATH_INVALID_VALUE] = "invalid-value",
        [JMESPATH_LIMIT] = "limit",
    };

    return names[error];
}

int jmespath_run(const struct jmespath *expression, const struct json *input, uint64_t *steps,
                 struct buf *out, struct jmespath_fault *fault)
{
    uint64_t allowed = *steps < JMESPATH_STEPS_MAX ? *steps : JMESPATH_STEPS_MAX;
    struct arena arena;
    struct run run = { .arena = &arena,
                       .fault = fault,
                       .steps = allowed,
                       .values = JMESPATH_VALUES_MAX,
                       .bytes = JMESPATH_OUTPUT_MAX };
    struct value *result = NULL;
    struct value *root;
    struct buf text;
    int rc;

    *fault = (struct jmespath_fault){ .error = JMESPATH_OK };
    arena_init(&arena);
    buf_init(&text, JMESPATH_OUTPUT_MAX);
    root = value_of_json(&run, input);
    rc = root == NULL ? -E_INVALID : node_eval(&run, expression->root, root, &result);
    if (rc == 0) {
        rc = value_write(&run, result, &text);
    }
    if (rc == 0 && buf_add_str(out, buf_str(&text)) != 0) {
        rc = fault_set(fault, JMESPATH_LIMIT, 0, "There is no room for the result.");
    }
    *steps -= allowed - run.steps;
    buf_done(&text);
    arena_done(&arena);
    return rc;
}

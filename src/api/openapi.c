/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.c - GET /openapi.json: the contract, made from api/openapi.yaml when this is
 * built. */
#include "api/call.h"
#include "api/handlers.h"

/* scripts/yaml2json writes the bytes of the document as an initialiser. */
static const unsigned char document[] = {
#include <api/openapi_json.inc>
};

void openapi_get(struct call *call)
{
    call_reply_bytes(call, 200, "application/json",
                     (struct str){ (const char *)document, sizeof(document) });
}

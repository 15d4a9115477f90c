/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - egress alone, on descriptor 3, for the driver beside it. */
#include "base/log.h"
#include "egress/egress.h"

int main(void)
{
    log_setup(LOG_INFO, false);
    return egress_main(3);
}

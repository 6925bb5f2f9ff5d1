// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// The same source is built for two hooks. A hook is all that the other headers
// know of a packet's buffer, and how a packet leaves: functions of the same names
// in hook_tc.h and hook_xdp.h.

#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define always static __always_inline

// What stands apart is verified by itself, once, and not anew for every way that
// leads there. The verifier does not believe that its pointers are good.
#define apart __attribute__((noinline))

// HANDS_ON of a hook says that there is another one behind it, which sees what
// this one passes.

enum sum_of { ADDRESSES, CONTENT };

#include "sum.h"

#ifdef XDP
#include "hook_xdp.h"
#else
#include "hook_tc.h"
#endif

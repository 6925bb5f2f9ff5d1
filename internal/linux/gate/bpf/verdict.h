// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// What a program says about a packet.

#pragma once

#include <linux/pkt_cls.h>

// PASS asks whoever comes after us on this interface; on a tcx hook the same
// number is TCX_NEXT. DROP is TCX_DROP.
#define PASS TC_ACT_UNSPEC
#define DROP TC_ACT_SHOT

// NOTHING is the answer of a part that has no say about a packet.
#define NOTHING 1

#define always static __always_inline

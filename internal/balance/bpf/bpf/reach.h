// SPDX-License-Identifier: Apache-2.0 OR MIT OR GPL-2.0-only
//
// What of a frame is at hand: in its first buffer, where a program reads it
// without the kernel's help.

#pragma once

// FURTHEST is where a header may begin: the verifier wants to know one.
#define FURTHEST 1024

// header gives n bytes of a frame, if its first buffer has them.
always void *header(ctx *c, __u32 at, __u32 n)
{
	void *data = (void *)(long)c->data, *end = (void *)(long)c->data_end;

	if (at > FURTHEST)
		return 0;
	data += at;
	asm volatile("" : "+r"(data)); // what was checked is what is used
	return data + n > end ? 0 : data;
}

// copy moves four bytes at a time, wherever they are: a frame is aligned to two,
// and all machines that JIT this read it so.
always void copy(void *to, const void *from, __u32 n)
{
	__builtin_memcpy(__builtin_assume_aligned(to, 4), __builtin_assume_aligned(from, 4), n);
}

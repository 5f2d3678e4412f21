/* SPDX-License-Identifier: GPL-2.0 */
/* Pseudorandom numbers that are the same everywhere, so that runs can be repeated. */
#ifndef _SELFTESTS_RCFS_RANDOM_H
#define _SELFTESTS_RCFS_RANDOM_H

/*
 * splitmix64, as in Steele, Lea and Flood, Fast splittable pseudorandom number
 * generators. Any initial state is valid.
 */
static inline unsigned long long draw_number(unsigned long long *state)
{
	unsigned long long x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

#endif

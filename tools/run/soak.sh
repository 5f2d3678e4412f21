# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The host's side of --soak: the test storm.sh alone, for $SOAK minutes.

# soak_prepare: what to run, with which seed, and how long it may take. A round
# that has begun is ended, and what follows looks for leaks.
soak_prepare() {
	PATTERN=storm.sh
	SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	TEST_LIMIT=${RCFS_TEST_LIMIT:-$((SOAK * 60 + 900))}
	LIMIT=${RCFS_LIMIT:-$((SOAK * 60 + TESTS_LIMIT))}
}

# guest_soak: write the arguments of storm.sh for the guest's run-tests
guest_soak() {
	say "for $SOAK minutes, with seed $SEED"
	printf 'RCFS_SOAK=%s RCFS_SEED=%s\n' "$SOAK" "$SEED" >"$GUEST/etc/rcfs/soak"
}

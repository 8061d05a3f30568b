#!/bin/sh
# Starts the program in TEST_PROGRAM with the limits of file descriptors in TEST_ULIMIT, arguments of `ulimit`.
ulimit $TEST_ULIMIT || exit 1
exec "$TEST_PROGRAM"

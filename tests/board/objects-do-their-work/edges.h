/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BOARD_EDGES_H
#define TESTS_BOARD_EDGES_H

void test_edges(void);

#endif

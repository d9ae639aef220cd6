# SPDX-License-Identifier: Apache-2.0
# bench-paths: how long a stream through a tunnel stands still when the path in use is cut. TRIALS and LOSS_SECONDS choose how much.
PATHS_TOOLS = $(B)/bench/wanbox $(B)/bench/pulse

tests netns: $(PATHS_TOOLS)

.PHONY: bench-paths
bench-paths: progs $(PATHS_TOOLS)
	@B=$(B) tests/bench/paths.sh

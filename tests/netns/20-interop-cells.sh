#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 20-interop-cells.sh - causeway-ix and strongSwan over the cells of tests/interop/cells that are marked for it.
# limit: 600
exec "$(dirname "$0")/../interop/run" -c

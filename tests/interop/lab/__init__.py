# SPDX-License-Identifier: Apache-2.0
"""Real IPsec hosts around a gateway: see ../README.md."""

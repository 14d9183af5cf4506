-- SPDX-License-Identifier: Apache-2.0
-- Included by other scripts. The node's name in an envelope: it follows the fixed 112 bytes, and
-- byte 6 is its length (PROTOCOL.md, section 2).
local function node_of(envelope)
  return string.sub(envelope, 113, 112 + (string.byte(envelope, 7) or 0))
end

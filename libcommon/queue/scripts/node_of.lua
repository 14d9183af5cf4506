-- SPDX-License-Identifier: Apache-2.0
-- Included by other scripts: the node's name in an envelope, behind the fixed 112 bytes, its length
-- in byte 6 (PROTOCOL.md section 2).
local function node_of(envelope)
  return string.sub(envelope, 113, 112 + (string.byte(envelope, 7) or 0))
end

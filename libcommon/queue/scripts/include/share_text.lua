-- SPDX-License-Identifier: Apache-2.0
-- Included by other scripts. A field of the hash `shares`, `<entries> <bytes>`: false or unreadable
-- is nothing.
local function share_in(text)
  local entries, bytes = string.match(text or '', '^(%d+) (%d+)$')
  return tonumber(entries or 0), tonumber(bytes or 0)
end
local function share_text(entries, bytes) return string.format('%d %d', entries, bytes) end

-- SPDX-License-Identifier: Apache-2.0
-- Included by other scripts. Whether a digest, `<hex> <ms>`, may replace what is published of its
-- node: not if that was merged later.
local function is_not_older(digest, last)
  local ms = tonumber(string.match(digest, '^%x+ (%d+)$') or '')
  local last_ms = tonumber(string.match(last, '^%x+ (%d+)$') or '')
  local later_ms = last_ms and ms and last_ms - ms or 0
  -- If it is much later, a clock was set back.
  return later_ms <= 0 or later_ms >= 600000
end

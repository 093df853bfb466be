#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "remediations/model/reason.hpp"

namespace remediations {

/// What reasons_in() gives at most.
constexpr std::size_t most_reasons = 16;

/// The codes that a line of a log, or the text of an event, names: the innermost first, which is the one that decides;
/// envelopes ("it failed", the agent's exception classes, exit code 1) last; each once. What tells of success
/// (exit code 0, HTTP 200) is none. In whatever language the words around it are.
///
/// Of a line longer than 64 KiB its end counts: what is nested deepest stands last. Takes any bytes; the texts it gives
/// are UTF-8.
std::vector<Reason> reasons_in(std::string_view line);

}  // namespace remediations

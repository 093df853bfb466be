#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "remediations/model/reason.hpp"

namespace remediations {

/// The most reasons that reasons_in() returns.
constexpr std::size_t most_reasons = 16;

/// Returns the codes in a log line, or in the text of an event, each once: the innermost first, because it decides;
/// general ones ("it failed", the agent's exception classes, exit code 1) last. Codes of success (exit code 0, HTTP
/// 200) are left out. The language of the words around them does not matter.
///
/// Of a line longer than 64 KiB only the end is read, because the innermost code stands last. Takes any bytes; the
/// texts in the result are UTF-8.
std::vector<Reason> reasons_in(std::string_view line);

}  // namespace remediations

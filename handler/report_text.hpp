#pragma once

#include <string>

#include "handler/page.hpp"
#include "remediations/engine.hpp"

namespace handler {

/// Where the report's machine is, and so what a reader can do about it.
enum class Subject { this_computer, capture };

/// The report for people: each layer's state, the root cause, what was seen and changed, what to do
/// next. Whatever came from the machine is made visible(), so that it cannot drive the terminal.
std::string report_text(const remediations::Report& report, Subject subject, const TextStyle& style);

/// How a state is coloured.
Paint paint_of(remediations::State state);

}  // namespace handler

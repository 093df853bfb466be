#pragma once

#include <string>

#include "handler/report/page.hpp"
#include "handler/report/report_outline.hpp"
#include "remediations/engine/engine.hpp"

namespace handler {

/// Returns the report for people: each layer's state, the root cause, what was seen, what was changed, what to do next.
/// All text from the machine is made visible(), so that it cannot control the terminal. `program` is the command that a
/// person types for this program.
std::string report_text(const remediations::Report& report, Subject subject, const TextStyle& style,
                        const std::string& program = "backup-remediation");

/// Returns the colour of a state.
Paint paint_of(remediations::State state);

}  // namespace handler

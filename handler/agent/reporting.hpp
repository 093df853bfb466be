#pragma once

#include <filesystem>
#include <string>

#include "handler/agent/environment.hpp"
#include "handler/agent/events.hpp"
#include "handler/agent/log.hpp"
#include "remediations/engine/engine.hpp"

namespace handler {

/// What the report says, in the log and as telemetry.
void record_report(const remediations::Report& report, Log& log, Events& events);

/// The HTML report beside the log; the path of it, or an empty one and a line in the log: without it the run is worth
/// as much. `program` is the command that the report tells people to run.
std::filesystem::path write_html_report(const remediations::Report& report, const Environment& environment,
                                        const std::string& program, Log& log);

}  // namespace handler

#pragma once

#include <filesystem>
#include <string>

#include "handler/agent/environment.hpp"
#include "handler/agent/events.hpp"
#include "handler/agent/log.hpp"
#include "remediations/engine/engine.hpp"

namespace handler {

/// Writes the report to the log and to telemetry.
void record_report(const remediations::Report& report, Log& log, Events& events);

/// Writes the HTML report beside the log and returns its path. On failure returns an empty path and logs a line,
/// because the run is complete without it. `program` is the command that the report tells people to run.
std::filesystem::path write_html_report(const remediations::Report& report, const Environment& environment,
                                        const std::string& program, Log& log);

}  // namespace handler

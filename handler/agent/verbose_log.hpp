#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "remediations/engine/engine.hpp"

namespace handler {

/// Switches the guest agent's verbose log on for a limited time. That is a run of its own in the journal, like any
/// other. verbose-log.json in the state folder, which is written first, says when that run is undone. Whoever begins or
/// ends it holds the run lock.

/// Returns the time when it ends; nullopt where it is not on for a limited time.
std::optional<std::chrono::system_clock::time_point> verbose_log_ends(const std::filesystem::path& state_folder);

/// Switches the verbose log on. `run` is remediations::run on the machine. If it is already on for a limited time, that
/// time is kept. Returns the result as one sentence.
machine::Result<std::string> begin_verbose_log(
    const std::filesystem::path& state_folder, std::chrono::system_clock::time_point until,
    remediations::Disruption max_disruption,
    const std::function<machine::Result<remediations::Report>(const remediations::RunOptions&)>& run);

/// Switches the verbose log off if its time is over by `now`. Returns what was done; empty where there was nothing to
/// do. Leaves alone what somebody changed since, and says so.
machine::Result<std::string> end_verbose_log(const std::filesystem::path& state_folder, machine::Machine& machine,
                                             std::chrono::system_clock::time_point now);

}  // namespace handler

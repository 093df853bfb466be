#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "remediations/engine/engine.hpp"

namespace handler {

/// The guest agent's verbose log, switched on for a limited time. Switching it on is a run of its own, in the journal
/// as any other; verbose-log.json in the state folder, written before it, says when that run is taken back. Whoever
/// begins or ends it holds the run lock.

/// When it ends; nothing where it is not on for a limited time.
std::optional<std::chrono::system_clock::time_point> verbose_log_ends(const std::filesystem::path& state_folder);

/// `run` is remediations::run on the machine. Where it is on already, for a limited time, that time is kept. Returns
/// what became of it, one sentence.
machine::Result<std::string> begin_verbose_log(
    const std::filesystem::path& state_folder, std::chrono::system_clock::time_point until,
    remediations::Disruption max_disruption,
    const std::function<machine::Result<remediations::Report>(const remediations::RunOptions&)>& run);

/// Takes it back where its time is over by `now`. Returns what was done, empty where there was nothing to do. What
/// somebody changed since is left alone and said so.
machine::Result<std::string> end_verbose_log(const std::filesystem::path& state_folder, machine::Machine& machine,
                                             std::chrono::system_clock::time_point now);

}  // namespace handler

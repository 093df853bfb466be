#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "handler/agent/environment.hpp"

namespace handler {

/// Telemetry that the guest agent uploads: one file <digits>.json for each event. Nothing here ever
/// fails the caller; without an events folder nothing is written.
class Events {
public:
    enum class Level { informational, warning, error };

    /// Limits of the agent, in bytes, and our own on how many.
    static constexpr std::size_t event_limit = std::size_t{6} << 10;
    static constexpr std::size_t message_limit = std::size_t{3} << 10;
    static constexpr unsigned most_events = 40;     ///< of one Events
    static constexpr std::size_t most_files = 200;  ///< waiting in the folder; more are not added

    /// `operation` tells the events of one run from those of another.
    Events(const Environment& environment, std::string operation);

    void send(Level level, std::string_view task, std::string_view message);

private:
    std::optional<std::filesystem::path> folder_;
    std::filesystem::path workplace_;  ///< on the same file system, where the agent does not look
    std::string operation_;
    unsigned sent_ = 0;
};

}  // namespace handler

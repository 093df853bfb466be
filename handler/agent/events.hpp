#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "handler/agent/environment.hpp"

namespace handler {

/// Telemetry that the guest agent uploads: one file <digits>.json for each event. A failure here never fails the
/// caller. Without an events folder nothing is written.
class Events {
public:
    enum class Level { informational, warning, error };

    /// Limits of the agent, in bytes, and this program's limits on the number of events.
    static constexpr std::size_t event_limit = std::size_t{6} << 10;
    static constexpr std::size_t message_limit = std::size_t{3} << 10;
    static constexpr unsigned most_events = 40;     ///< of one Events object
    static constexpr std::size_t most_files = 200;  ///< that wait in the folder; no more are added

    /// `operation` distinguishes the events of different runs.
    Events(const Environment& environment, std::string operation);

    void send(Level level, std::string_view task, std::string_view message);

private:
    std::optional<std::filesystem::path> folder_;
    std::filesystem::path workplace_;  ///< on the same file system, in a folder that the agent does not read
    std::string operation_;
    unsigned sent_ = 0;
};

}  // namespace handler

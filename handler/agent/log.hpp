#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/local/durable_file.hpp"

namespace spdlog {
class logger;
}

namespace handler {

/// A rotating log in the folder the guest agent gives us. It opens at the first line. A log that
/// cannot be written stops nothing: what is lost is named by problem().
/// Settings, decrypted text and command output are never logged.
class Log {
public:
    /// Each role has a file of its own, because a file that two processes rotate loses lines:
    /// "commands" (what the agent calls, and the supervisor) and "run" (the worker).
    Log(const std::filesystem::path& folder, const std::string& role);
    ~Log();

    void info(std::string_view line) { write(Level::info, line); }
    void warning(std::string_view line) { write(Level::warning, line); }
    void error(std::string_view line) { write(Level::error, line); }

    const std::filesystem::path& file() const { return file_; }
    /// Why nothing was logged; empty while all is well.
    const std::string& problem() const { return problem_; }

    /// Files of one role, and bytes of each.
    static constexpr std::size_t most_files = 4;
    static constexpr std::size_t file_limit = std::size_t{1} << 20;

    /// Every file a Log in this folder may have made.
    static std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);

private:
    enum class Level { info, warning, error };
    void write(Level level, std::string_view line);
    void open();

    std::filesystem::path file_;
    std::optional<machine::local::PinnedFolder> folder_;
    std::unique_ptr<spdlog::logger> logger_;
    std::string problem_;
};

}  // namespace handler

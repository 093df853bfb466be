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

/// A rotating log in the folder that the guest agent gives. It opens with the first line. A log that cannot be written
/// stops nothing; problem() says what was lost. Settings, decrypted text and command output are never logged.
class Log {
public:
    /// `role` is "commands" (the agent's calls, and the supervisor) or "run" (the worker). Each role has a file of its
    /// own, because a file that two processes rotate loses lines.
    Log(const std::filesystem::path& folder, const std::string& role);
    ~Log();

    void info(std::string_view line) { write(Level::info, line); }
    void warning(std::string_view line) { write(Level::warning, line); }
    void error(std::string_view line) { write(Level::error, line); }

    const std::filesystem::path& file() const { return file_; }
    /// Returns why nothing was logged; empty without a problem.
    const std::string& problem() const { return problem_; }

    /// Number of files of one role, and the size limit of each in bytes.
    static constexpr std::size_t most_files = 4;
    static constexpr std::size_t file_limit = std::size_t{1} << 20;

    /// Returns every file that a Log in this folder may have created.
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

#include "handler/agent/lock.hpp"

#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <thread>

#include "handler/report/paths.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

using machine::ErrorKind;
using machine::Result;

namespace {

/// Opens the file again for every attempt, because an uninstall may have removed the file that an earlier attempt
/// opened.
Result<std::optional<boost::interprocess::file_lock>> try_lock(const std::filesystem::path& file) {
    std::error_code code;
    if (!std::filesystem::exists(file, code) && !std::ofstream(file, std::ios::app)) {
        return machine::Error::failed(fmt::format("{}: cannot create the lock file", to_text(file)));
    }
    try {
        boost::interprocess::file_lock lock(file.c_str());
        if (!lock.try_lock()) return std::nullopt;
        if (!std::filesystem::exists(file, code)) return std::nullopt;
        return std::optional(std::move(lock));
    } catch (const boost::interprocess::interprocess_exception& error) {
        return machine::Error::failed(fmt::format("{}: cannot lock: {}", to_text(file), error.what()),
                                      error.get_native_error());
    }
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::filesystem::path& file, std::chrono::milliseconds patience) {
    constexpr auto pause = std::chrono::milliseconds(10);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        auto lock = try_lock(file);
        if (!lock) return lock.error();
        if (*lock) return FileLock(std::move(**lock));
        if (std::chrono::steady_clock::now() >= deadline) {
            return machine::Error::timed_out(
                fmt::format("{}: another process of backup-remediation holds the lock", to_text(file)));
        }
        std::this_thread::sleep_for(pause);
    }
}

bool FileLock::held_elsewhere(const std::filesystem::path& file) {
    std::error_code code;
    if (!std::filesystem::exists(file, code)) return false;
    const auto lock = acquire(file, std::chrono::milliseconds(0));
    return !lock && lock.error().kind == ErrorKind::timed_out;
}

std::filesystem::path run_lock_file(const std::filesystem::path& state_folder) {
    return state_folder / "lock";
}

Result<FileLock> acquire_run_lock(const std::filesystem::path& state_folder, std::chrono::milliseconds patience) {
    if (auto made = machine::local::make_private_folder(state_folder); !made) return made.error();
    if (auto made = machine::local::make_private_folder(state_folder / "runs"); !made) return made.error();
    return FileLock::acquire(run_lock_file(state_folder), patience);
}

}  // namespace handler

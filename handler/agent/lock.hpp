#pragma once

#include <boost/interprocess/sync/file_lock.hpp>
#include <chrono>
#include <filesystem>

#include "remediations/machine/result.hpp"

namespace handler {

/// Keeps other processes out for as long as it lives; the operating system lets go of it when its
/// process ends, however it ends. It says nothing between threads of one process, and on Linux a
/// second lock on the same file in one process ends the first: hold one for each file.
class FileLock {
public:
    /// Creates the file where it is absent; its folder must exist. Waits at most `patience`.
    /// ErrorKind::timed_out while another process holds it.
    static machine::Result<FileLock> acquire(const std::filesystem::path& file, std::chrono::milliseconds patience);

    /// Whether another process holds the file's lock now. Not for a file this process holds.
    static bool held_elsewhere(const std::filesystem::path& file);

private:
    explicit FileLock(boost::interprocess::file_lock lock) : lock_(std::move(lock)) {}

    boost::interprocess::file_lock lock_;
};

/// The lock that keeps runs and undos apart, of this version and of every other one, of the guest
/// agent and of a person. Creates the state folder.
machine::Result<FileLock> acquire_run_lock(const std::filesystem::path& state_folder,
                                           std::chrono::milliseconds patience);
std::filesystem::path run_lock_file(const std::filesystem::path& state_folder);

}  // namespace handler

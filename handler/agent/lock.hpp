#pragma once

#include <boost/interprocess/sync/file_lock.hpp>
#include <chrono>
#include <filesystem>

#include "remediations/machine/result.hpp"

namespace handler {

/// A lock against other processes while the object lives. The operating system releases it when the process ends,
/// however it ends. It does not lock between threads of one process. On Linux a second lock on the same file in one
/// process ends the first: hold only one for each file.
class FileLock {
public:
    /// Takes the lock; waits at most `patience`. Creates the file where it does not exist; its folder must exist.
    /// ErrorKind::timed_out while another process holds the lock.
    static machine::Result<FileLock> acquire(const std::filesystem::path& file, std::chrono::milliseconds patience);

    /// Returns true if another process holds the lock now. Do not call it for a file that this process has locked.
    static bool held_elsewhere(const std::filesystem::path& file);

private:
    explicit FileLock(boost::interprocess::file_lock lock) : lock_(std::move(lock)) {}

    boost::interprocess::file_lock lock_;
};

/// Takes the lock that lets only one run or undo work at a time: of any version, started by the guest agent or by a
/// person. Creates the state folder.
machine::Result<FileLock> acquire_run_lock(const std::filesystem::path& state_folder,
                                           std::chrono::milliseconds patience);
std::filesystem::path run_lock_file(const std::filesystem::path& state_folder);

}  // namespace handler

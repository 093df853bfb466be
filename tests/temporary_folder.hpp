#pragma once

#include <atomic>
#include <filesystem>
#include <random>
#include <string>

namespace tests {

/// A new empty folder of its own for one test, removed with all in it.
class TemporaryFolder {
public:
    TemporaryFolder() {
        static std::atomic<unsigned> count = 0;
        const auto unique = std::to_string(std::random_device{}()) + "-" + std::to_string(count++);
        path_ = std::filesystem::temp_directory_path() / ("backup-remediation-test-" + unique);
        std::filesystem::create_directory(path_);
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace tests

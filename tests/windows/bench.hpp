#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

/// What tests/windows/run lays out for the tests: the programs that play services, certificates.
inline std::filesystem::path bench(const std::string& name) {
    const char* folder = std::getenv("TEST_BENCH");
    if (!folder) throw std::runtime_error("TEST_BENCH is not set: start these tests with tests/windows/run");
    return std::filesystem::path(folder) / name;
}

inline std::string bench_content(const std::string& name) {
    std::ifstream file(bench(name), std::ios::binary);
    if (!file) throw std::runtime_error("the bench has no " + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder that is gone after the test.
class TemporaryFolder {
public:
    TemporaryFolder() {
        static int counter = 0;
        path_ = std::filesystem::temp_directory_path() / ("backup-remediation-test-" + std::to_string(++counter));
        std::filesystem::remove_all(path_);
        std::filesystem::create_directories(path_);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }
    /// UTF-8, with backslashes.
    std::string file(const std::string& name) const {
        return (path_ / std::filesystem::path(std::u8string(name.begin(), name.end()))).make_preferred().string();
    }

private:
    std::filesystem::path path_;
};

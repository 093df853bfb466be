#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Stops the run: libFuzzer keeps the input that led here.
inline void require(bool condition) {
    if (!condition) std::abort();
}

/// Takes the first line off `text`, without its end.
inline std::string_view take_line(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

/// A folder in memory that goes with its process.
class Folder {
public:
    Folder() : path_(fmt::format("/dev/shm/backup-remediation-fuzz-{}", ::getpid())) {
        std::filesystem::remove_all(path_);
        std::filesystem::create_directory(path_);
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A file that is opened once and filled anew for every input.
class File {
public:
    explicit File(const std::filesystem::path& path) {
        std::filesystem::create_directories(path.parent_path());
        descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        require(descriptor_ >= 0);
    }
    ~File() { ::close(descriptor_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    void fill(std::string_view content) const {
        require(::pwrite(descriptor_, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
        require(::ftruncate(descriptor_, static_cast<off_t>(content.size())) == 0);
    }

private:
    int descriptor_;
};

}  // namespace fuzz

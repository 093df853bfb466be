#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace remediations {

/// Creates a ZIP archive in memory (deflate; APPNOTE.TXT 6.3.10 without ZIP64: below 4 GiB and 65535 files).
class ZipWriter {
public:
    /// `time` becomes the time of every file in the archive.
    explicit ZipWriter(std::chrono::system_clock::time_point time);

    /// `name` is relative, with "/" between folders, UTF-8.
    void add(std::string_view name, std::string_view content);
    std::string archive() &&;

private:
    std::uint32_t time_;  ///< in MS-DOS format
    std::uint16_t count_ = 0;
    std::string files_;
    std::string directory_;
};

}  // namespace remediations

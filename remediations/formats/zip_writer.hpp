#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace remediations {

/// Makes a ZIP archive in memory (deflate; APPNOTE.TXT 6.3.10, without its 64-bit extension: below 4 GiB and 65535
/// files).
class ZipWriter {
public:
    /// `time` is that of every file in it.
    explicit ZipWriter(std::chrono::system_clock::time_point time);

    /// `name` is relative, with "/" between folders, UTF-8.
    void add(std::string_view name, std::string_view content);
    std::string archive() &&;

private:
    std::uint32_t time_;  ///< as MS-DOS writes it
    std::uint16_t count_ = 0;
    std::string files_;
    std::string directory_;
};

}  // namespace remediations

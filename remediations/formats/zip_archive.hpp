#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// A file in a zip archive, as the central directory lists it.
struct ZipEntry {
    std::string name;        ///< relative, '/' between its parts; no part is ".."
    std::uint64_t size = 0;  ///< in bytes, unpacked
    std::uint64_t compressed_size = 0;
    std::uint32_t crc32 = 0;          ///< of the unpacked bytes
    std::uint16_t method = 0;         ///< 0 stored, 8 deflated
    std::uint32_t header_offset = 0;  ///< of its local header

    friend bool operator==(const ZipEntry&, const ZipEntry&) = default;
};

/// A zip archive (PKWARE APPNOTE.TXT). It is read in ranges, never as a whole. It supports what an extension's package
/// needs: stored and deflated files of at most 16 MiB; no encryption, no ZIP64, no archive in several parts.
class ZipArchive {
public:
    /// Reads the central directory. ErrorKind::invalid says what is wrong with the archive. One name that would lie
    /// outside the target folder makes the whole archive invalid.
    static machine::Result<ZipArchive> open(const machine::Files& files, const machine::Path& path);

    const machine::Path& path() const { return path_; }

    /// Returns the files in the order of the central directory, without folders.
    const std::vector<ZipEntry>& entries() const { return entries_; }

    /// Returns the unpacked bytes of one of entries(), after checking length and checksum. ErrorKind::invalid or
    /// unsupported names the archive, the file and what is wrong.
    machine::Result<std::string> extract(const machine::Files& files, const ZipEntry& entry) const;

private:
    machine::Path path_;
    std::uint64_t directory_offset_ = 0;  ///< where the central directory begins; all files lie before it
    std::vector<ZipEntry> entries_;
};

/// Returns the checksum that zip archives use (CRC-32 of ISO 3309).
std::uint32_t crc32_of(std::string_view bytes);

}  // namespace remediations

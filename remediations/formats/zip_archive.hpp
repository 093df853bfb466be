#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// A file in a zip archive, as the central directory lists it.
struct ZipEntry {
    std::string name;        ///< relative, with '/' between its parts; none of them is ".."
    std::uint64_t size = 0;  ///< bytes once unpacked
    std::uint64_t compressed_size = 0;
    std::uint32_t crc32 = 0;          ///< of the unpacked bytes
    std::uint16_t method = 0;         ///< 0 stored, 8 deflated
    std::uint32_t header_offset = 0;  ///< of its local header

    friend bool operator==(const ZipEntry&, const ZipEntry&) = default;
};

/// A zip archive (PKWARE APPNOTE.TXT) that is read in ranges and never as a whole. It knows what
/// an extension's package needs: stored and deflated files of at most 16 MiB; no encryption, no
/// ZIP64, no archive in several parts.
class ZipArchive {
public:
    /// Reads the central directory. ErrorKind::invalid says what is wrong with the archive; a name
    /// that would lie outside the folder it is unpacked to makes the whole archive invalid.
    static machine::Result<ZipArchive> open(const machine::Files& files, const machine::Path& path);

    const machine::Path& path() const { return path_; }

    /// The files, in the order of the central directory; folders are left out.
    const std::vector<ZipEntry>& entries() const { return entries_; }

    /// The unpacked bytes of one of entries(), of which length and checksum are right.
    /// ErrorKind::invalid or unsupported names the archive, the file and what is wrong.
    machine::Result<std::string> extract(const machine::Files& files, const ZipEntry& entry) const;

private:
    machine::Path path_;
    std::uint64_t directory_offset_ = 0;  ///< where the central directory begins: no file lies behind it
    std::vector<ZipEntry> entries_;
};

/// The checksum that zip archives use (CRC-32 of ISO 3309).
std::uint32_t crc32_of(std::string_view bytes);

}  // namespace remediations

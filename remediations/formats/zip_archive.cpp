#include "remediations/formats/zip_archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/zlib/inflate_stream.hpp>
#include <boost/crc.hpp>
#include <set>
#include <span>

namespace remediations {

using machine::Error;
using machine::Files;
using machine::Path;
using machine::Result;

namespace {

constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t entry_signature = 0x02014b50;
constexpr std::uint32_t local_signature = 0x04034b50;
constexpr std::size_t end_size = 22;
constexpr std::size_t entry_size = 46;
constexpr std::size_t local_size = 30;
constexpr std::size_t longest_comment = 0xffff;

constexpr std::uint16_t method_stored = 0;
constexpr std::uint16_t method_deflated = 8;
constexpr std::uint16_t encrypted_flag = 1;

constexpr std::uint64_t largest_file = std::uint64_t{16} << 20;
/// Deflate makes at best one byte out of 1032 (zlib's algorithm.txt): a file that claims more is refused, to save
/// memory.
constexpr std::uint64_t best_ratio = 1032;
constexpr std::uint64_t largest_directory = std::uint64_t{1} << 20;

/// Little-endian number of `length` bytes; the caller knows that they are there.
std::uint32_t little_endian(std::string_view bytes, std::size_t offset, std::size_t length) {
    std::uint32_t value = 0;
    for (std::size_t index = length; index-- > 0;) {
        value = (value << 8) | static_cast<unsigned char>(bytes[offset + index]);
    }
    return value;
}

std::uint16_t number16(std::string_view bytes, std::size_t offset) {
    return static_cast<std::uint16_t>(little_endian(bytes, offset, 2));
}

std::uint32_t number32(std::string_view bytes, std::size_t offset) {
    return little_endian(bytes, offset, 4);
}

bool stays_inside(std::string_view name) {
    if (name.empty() || name.front() == '/') return false;
    if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; })) return false;
    while (true) {
        const auto slash = name.find('/');
        const auto part = name.substr(0, slash);
        if (part == ".." || part == ".") return false;
        if (slash == std::string_view::npos) return true;
        name.remove_prefix(slash + 1);
    }
}

class Reader {
public:
    Reader(const Files& files, const Path& path) : files_(files), path_(path) {}

    Error invalid(const std::string& what) const { return machine::Error::invalid(path_ + ": " + what); }

    /// Exactly `length` bytes.
    Result<std::string> range(std::uint64_t offset, std::size_t length, std::string_view what) const {
        auto bytes = files_.read_range(path_, offset, length);
        if (bytes && bytes->size() != length) {
            return invalid(fmt::format("it ends in {} at byte {}", what, offset + bytes->size()));
        }
        return bytes;
    }

private:
    const Files& files_;
    const Path& path_;
};

struct EndRecord {
    std::uint64_t position = 0;
    std::uint32_t count = 0;
    std::uint32_t directory_size = 0;
    std::uint32_t directory_offset = 0;
};

/// The end record is the archive's last one; only its own comment can follow it.
Result<EndRecord> find_end(const Reader& reader, std::uint64_t size) {
    if (size < end_size) return reader.invalid("expected a zip archive, found fewer than 22 bytes");
    // Most archives have no comment, and then this one small read is enough.
    for (const std::uint64_t tail_size : {std::uint64_t{end_size}, std::uint64_t{end_size + longest_comment}}) {
        const auto length = static_cast<std::size_t>(std::min(size, tail_size));
        const auto start = size - length;
        const auto tail = reader.range(start, length, "its end record");
        if (!tail) return tail.error();
        for (auto offset = length - end_size + 1; offset-- > 0;) {
            if (number32(*tail, offset) != end_signature) continue;
            if (number16(*tail, offset + 20) != length - offset - end_size) continue;
            const bool in_parts = number16(*tail, offset + 4) != 0 || number16(*tail, offset + 6) != 0 ||
                                  number16(*tail, offset + 8) != number16(*tail, offset + 10);
            if (in_parts) return reader.invalid("it is one part of several");
            return EndRecord{start + offset, number16(*tail, offset + 10), number32(*tail, offset + 12),
                             number32(*tail, offset + 16)};
        }
    }
    return reader.invalid("expected a zip archive, found no end record");
}

Result<std::string> inflate(std::string_view compressed, std::size_t size) {
    namespace zlib = boost::beast::zlib;
    // Room for one byte more: it shows a stream that does not end in time.
    std::string unpacked(size + 1, '\0');
    zlib::inflate_stream stream;
    zlib::z_params state;
    state.next_in = compressed.data();
    state.avail_in = compressed.size();
    state.next_out = unpacked.data();
    state.avail_out = unpacked.size();
    boost::system::error_code error;
    while (!error) stream.write(state, zlib::Flush::sync, error);
    // Some streams also report need_buffers at their very end; length and checksum prove the rest.
    if (error != zlib::error::end_of_stream && error != zlib::error::need_buffers) {
        return machine::Error::invalid("its deflated data are damaged");
    }
    if (state.total_out != size) {
        return machine::Error::invalid(fmt::format("it unpacks to {} bytes{} instead of {}", state.total_out,
                                                   state.total_out > size ? " or more" : "", size));
    }
    unpacked.resize(size);
    return unpacked;
}

}  // namespace

Result<ZipArchive> ZipArchive::open(const Files& files, const Path& path) {
    const Reader reader(files, path);
    const auto status = files.status(path);
    if (!status) return status.error();
    if (status->kind != machine::FileKind::regular) return reader.invalid("expected a regular file");
    const auto end = find_end(reader, status->size);
    if (!end) return end.error();
    const auto directory_end = std::uint64_t{end->directory_offset} + end->directory_size;
    if (directory_end > end->position || end->directory_size > largest_directory) {
        return reader.invalid(
            fmt::format("expected a central directory of at most 1 MiB before byte {}, found it at {} with {} bytes",
                        end->position, end->directory_offset, end->directory_size));
    }
    const auto directory = reader.range(end->directory_offset, end->directory_size, "its central directory");
    if (!directory) return directory.error();

    ZipArchive archive;
    archive.path_ = path;
    archive.directory_offset_ = end->directory_offset;
    std::string_view rest = *directory;
    std::set<std::string> names;
    for (std::uint32_t index = 0; index < end->count; ++index) {
        const auto place = fmt::format("file {} of {} in the central directory", index + 1, end->count);
        if (rest.size() < entry_size || number32(rest, 0) != entry_signature) {
            return reader.invalid("expected " + place + ", found something else");
        }
        const std::size_t name_length = number16(rest, 28);
        const std::size_t length = entry_size + name_length + number16(rest, 30) + number16(rest, 32);
        if (rest.size() < length) return reader.invalid(place + " is longer than the directory");
        ZipEntry entry;
        entry.name = rest.substr(entry_size, name_length);
        entry.method = number16(rest, 10);
        entry.crc32 = number32(rest, 16);
        entry.compressed_size = number32(rest, 20);
        entry.size = number32(rest, 24);
        entry.header_offset = number32(rest, 42);
        const bool encrypted = (number16(rest, 8) & encrypted_flag) != 0;
        rest.remove_prefix(length);
        if (!stays_inside(entry.name)) {
            return reader.invalid(place + " has a name that is no path inside a folder");
        }
        if (!names.insert(entry.name).second) return reader.invalid(entry.name + " is in it twice");
        if (entry.name.ends_with('/')) continue;
        if (encrypted) return reader.invalid(entry.name + " is encrypted");
        if (entry.size > largest_file || entry.compressed_size > largest_file) {
            return reader.invalid(entry.name + " is larger than 16 MiB");
        }
        archive.entries_.push_back(std::move(entry));
    }
    return archive;
}

Result<std::string> ZipArchive::extract(const Files& files, const ZipEntry& entry) const {
    const Reader reader(files, path_);
    const auto invalid = [&](const std::string& what) { return reader.invalid(entry.name + ": " + what); };
    if (entry.method != method_stored && entry.method != method_deflated) {
        return machine::Error::unsupported(
            fmt::format("{}: {}: expected a stored or deflated file, found compression method {}", path_, entry.name,
                        entry.method));
    }
    const auto header = reader.range(entry.header_offset, local_size, "the header of " + entry.name);
    if (!header) return header.error();
    if (number32(*header, 0) != local_signature) return invalid("expected its header, found something else");
    const auto data_offset =
        std::uint64_t{entry.header_offset} + local_size + number16(*header, 26) + number16(*header, 28);
    if (data_offset + entry.compressed_size > directory_offset_) return invalid("its data reach into the directory");
    auto data = reader.range(data_offset, static_cast<std::size_t>(entry.compressed_size), entry.name);
    if (!data) return data.error();
    if (entry.method == method_deflated) {
        if (entry.size > (entry.compressed_size + 1) * best_ratio) {
            return invalid(fmt::format("{} deflated bytes cannot become {}", entry.compressed_size, entry.size));
        }
        auto unpacked = inflate(*data, static_cast<std::size_t>(entry.size));
        if (!unpacked) return invalid(unpacked.error().message);
        data = std::move(*unpacked);
    } else if (data->size() != entry.size) {
        return invalid(fmt::format("it has {} bytes instead of {}", data->size(), entry.size));
    }
    if (crc32_of(*data) != entry.crc32) return invalid("its checksum is wrong");
    return std::move(*data);
}

std::uint32_t crc32_of(std::string_view bytes) {
    boost::crc_32_type crc;
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

}  // namespace remediations

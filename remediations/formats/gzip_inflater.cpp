#include "remediations/formats/gzip_inflater.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <optional>

namespace remediations {
namespace {

namespace zlib = boost::beast::zlib;

constexpr std::size_t output_length = std::size_t{64} << 10;
constexpr std::string_view magic = "\x1f\x8b\x08";  // 08: deflate, the only method there is
constexpr std::size_t fixed_header_length = 10;
constexpr std::size_t longest_header = std::size_t{256} << 10;
constexpr std::size_t trailer_length = 8;  // checksum and length

constexpr unsigned has_header_checksum = 0x02;
constexpr unsigned has_extra = 0x04;
constexpr unsigned has_name = 0x08;
constexpr unsigned has_comment = 0x10;

/// Returns the length of the header at the front of `bytes`; nullopt where more bytes are needed.
std::optional<std::size_t> header_length(std::string_view bytes) {
    if (bytes.size() < fixed_header_length) {
        return std::nullopt;
    }
    const auto byte = [&](std::size_t offset) { return static_cast<std::uint8_t>(bytes[offset]); };
    const unsigned flags = byte(3);
    std::size_t length = fixed_header_length;
    if (flags & has_extra) {
        if (bytes.size() < length + 2) {
            return std::nullopt;
        }
        length += 2 + byte(length) + (std::size_t{byte(length + 1)} << 8);
    }
    for (const unsigned text : {has_name, has_comment}) {
        if (flags & text) {
            const auto end = length > bytes.size() ? std::string_view::npos : bytes.find('\0', length);
            if (end == std::string_view::npos) {
                return std::nullopt;
            }
            length = end + 1;
        }
    }
    if (flags & has_header_checksum) {
        length += 2;
    }
    return length <= bytes.size() ? std::optional(length) : std::nullopt;
}

}  // namespace

GzipInflater::GzipInflater(std::string path, std::uint64_t limit, Consumer consumer)
    : path_(std::move(path)), limit_(limit), consumer_(std::move(consumer)), output_(output_length, '\0') {}

machine::Result<void> GzipInflater::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        machine::Result<void> taken;
        switch (part_) {
            case Part::header:
                taken = read_header(bytes);
                break;
            case Part::data:
                taken = inflate(bytes);
                break;
            case Part::trailer: {
                const auto length = std::min(bytes.size(), trailer_length - trailer_.size());
                trailer_ += bytes.substr(0, length);
                bytes.remove_prefix(length);
                read_ += length;
                if (trailer_.size() == trailer_length) {
                    if (boost::endian::load_little_u32(reinterpret_cast<const unsigned char*>(trailer_.data())) !=
                        checksum_.checksum()) {
                        return error("the checksum of what was unpacked");
                    }
                    part_ = Part::header;
                    first_member_ = false;
                }
                break;
            }
        }
        if (!taken) {
            return taken;
        }
    }
    return {};
}

machine::Result<void> GzipInflater::read_header(std::string_view& bytes) {
    if (!first_member_ && header_.empty()) {
        // Zeros behind the last member are padding.
        const auto padding = std::min(bytes.find_first_not_of('\0'), bytes.size());
        bytes.remove_prefix(padding);
        read_ += padding;
    }
    const auto before = header_.size();
    header_ += bytes.substr(0, longest_header + 1 - before);
    if (header_.compare(0, magic.size(), magic.substr(0, header_.size())) != 0) {
        return error("a gzip file, which begins with the bytes 1f 8b 08");
    }
    const auto length = header_length(header_);
    if (!length && header_.size() > longest_header) {
        return error("the end of the gzip header within 256 KiB");
    }
    const auto taken = length ? *length - before : bytes.size();
    bytes.remove_prefix(taken);
    read_ += taken;
    if (length) {
        header_.clear();
        stream_.reset();
        checksum_.reset();
        part_ = Part::data;
    }
    return {};
}

machine::Result<void> GzipInflater::inflate(std::string_view& bytes) {
    zlib::z_params progress;
    progress.next_in = bytes.data();
    progress.avail_in = bytes.size();
    bool ended = false;
    while (!ended) {
        progress.next_out = output_.data();
        progress.avail_out = output_.size();
        boost::beast::error_code code;
        stream_.write(progress, zlib::Flush::none, code);
        const auto written = output_.size() - progress.avail_out;
        if (written > limit_ - written_) {
            return machine::Error::too_large(
                fmt::format("{}: unpacks to more than {} MiB; the rest was not read", path_, limit_ >> 20));
        }
        written_ += written;
        if (written > 0) {
            checksum_.process_bytes(output_.data(), written);
            consumer_(std::string_view(output_).substr(0, written));
        }
        ended = code == zlib::error::end_of_stream;
        if (code == zlib::error::need_buffers) {
            break;
        }
        if (code && !ended) {
            read_ += bytes.size() - progress.avail_in;
            return error("deflated data");
        }
        if (!ended && progress.avail_in == 0 && progress.avail_out > 0) {
            break;
        }
    }
    const auto taken = bytes.size() - progress.avail_in;
    bytes.remove_prefix(taken);
    read_ += taken;
    if (taken == 0 && !ended) {
        return error("deflated data");
    }
    if (ended) {
        part_ = Part::trailer;
        trailer_.clear();
    }
    return {};
}

machine::Result<void> GzipInflater::finish() {
    if (part_ != Part::header || first_member_ || !header_.empty()) {
        return machine::Error::invalid(fmt::format("{}: ends at byte {}, within the compressed data", path_, read_));
    }
    return {};
}

machine::Error GzipInflater::error(std::string_view expected) const {
    return machine::Error::invalid(
        fmt::format("{}: damaged at byte {}, where {} was expected", path_, read_, expected));
}

}  // namespace remediations

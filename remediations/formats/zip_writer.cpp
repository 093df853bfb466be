#include "remediations/formats/zip_writer.hpp"

#include <boost/beast/zlib/deflate_stream.hpp>
#include <stdexcept>

#include "remediations/formats/zip_archive.hpp"

namespace remediations {

namespace {

namespace zlib = boost::beast::zlib;

void append_little_endian(std::string& target, std::uint64_t number, int bytes) {
    for (; bytes > 0; --bytes, number >>= 8U) target += static_cast<char>(number & 0xFFU);
}

/// Two seconds is its unit; it begins in 1980.
std::uint32_t dos_time(std::chrono::system_clock::time_point time) {
    const auto days = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(days);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - days));
    const auto year = static_cast<int>(date.year());
    if (year < 1980 || year > 2107) return (1U << 21U) | (1U << 16U);
    return static_cast<std::uint32_t>(year - 1980) << 25U | static_cast<unsigned>(date.month()) << 21U |
           static_cast<unsigned>(date.day()) << 16U | static_cast<std::uint32_t>(clock.hours().count()) << 11U |
           static_cast<std::uint32_t>(clock.minutes().count()) << 5U |
           static_cast<std::uint32_t>(clock.seconds().count()) / 2;
}

std::string deflated(std::string_view content) {
    zlib::deflate_stream stream;
    std::string result(zlib::deflate_upper_bound(content.size()) + 64, '\0');
    zlib::z_params progress;
    progress.next_in = content.data();
    progress.avail_in = content.size();
    progress.next_out = result.data();
    progress.avail_out = result.size();
    boost::system::error_code error;
    stream.write(progress, zlib::Flush::finish, error);
    if (error != zlib::error::end_of_stream) throw std::runtime_error("deflate: " + error.message());
    result.resize(progress.total_out);
    return result;
}

constexpr std::uint16_t version_needed = 20;
constexpr std::uint16_t names_are_utf8 = 1U << 11U;
constexpr std::uint16_t deflate_method = 8;

}  // namespace

ZipWriter::ZipWriter(std::chrono::system_clock::time_point time) : time_(dos_time(time)) {}

void ZipWriter::add(std::string_view name, std::string_view content) {
    const auto packed = deflated(content);
    std::string common;  // what both headers have
    append_little_endian(common, version_needed, 2);
    append_little_endian(common, names_are_utf8, 2);
    append_little_endian(common, deflate_method, 2);
    append_little_endian(common, time_, 4);
    append_little_endian(common, remediations::crc32_of(content), 4);
    append_little_endian(common, packed.size(), 4);
    append_little_endian(common, content.size(), 4);
    append_little_endian(common, name.size(), 2);
    append_little_endian(common, 0, 2);  // no extra field

    directory_ += "PK\x01\x02";
    append_little_endian(directory_, 3U << 8U | version_needed, 2);  // made on Unix: the attributes hold a mode
    directory_ += common;
    append_little_endian(directory_, 0, 2);                // no comment
    append_little_endian(directory_, 0, 2);                // on the first disk
    append_little_endian(directory_, 0, 2);                // binary
    append_little_endian(directory_, 0100600U << 16U, 4);  // a regular file that its owner alone may read
    append_little_endian(directory_, files_.size(), 4);
    directory_ += name;
    ++count_;

    files_ += "PK\x03\x04";
    files_.append(common).append(name).append(packed);
}

std::string ZipWriter::archive() && {
    const auto size = files_.size();
    files_ += directory_;
    files_ += "PK\x05\x06";
    append_little_endian(files_, 0, 4);  // one disk
    append_little_endian(files_, count_, 2);
    append_little_endian(files_, count_, 2);
    append_little_endian(files_, directory_.size(), 4);
    append_little_endian(files_, size, 4);
    append_little_endian(files_, 0, 2);  // no comment
    return std::move(files_);
}

}  // namespace remediations

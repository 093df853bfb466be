#pragma once

#include <boost/beast/zlib/inflate_stream.hpp>
#include <boost/crc.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "remediations/machine/result.hpp"

namespace remediations {

/// Unpacks a gzip file (RFC 1952) that arrives in pieces, in constant memory. Several members make one text; zeros
/// after the last member are padding. Checks the CRC-32 of each member, but neither its length nor the checksum of its
/// header. A header may have at most 256 KiB.
class GzipInflater {
public:
    using Consumer = std::function<void(std::string_view)>;

    /// At most `limit` bytes are unpacked; beyond that feed() returns ErrorKind::too_large. Error messages begin with
    /// `path`.
    GzipInflater(std::string path, std::uint64_t limit, Consumer consumer);

    /// Unpacks the next piece. ErrorKind::invalid where it is not a gzip file or is damaged. A wrong CRC-32 is seen
    /// only at the end of its member: the consumer already got the text before it.
    machine::Result<void> feed(std::string_view bytes);

    /// Call it after the last piece. ErrorKind::invalid where the file ends too early.
    machine::Result<void> finish();

private:
    enum class Part { header, data, trailer };

    /// Removes what it can use from the front of `bytes`.
    machine::Result<void> read_header(std::string_view& bytes);
    machine::Result<void> inflate(std::string_view& bytes);
    machine::Error error(std::string_view expected) const;

    std::string path_;
    std::uint64_t limit_;
    Consumer consumer_;
    boost::beast::zlib::inflate_stream stream_;
    std::string output_;
    Part part_ = Part::header;
    std::string header_;           // while it is incomplete
    boost::crc_32_type checksum_;  ///< of the member's text so far
    std::string trailer_;
    std::uint64_t read_ = 0;
    std::uint64_t written_ = 0;
    bool first_member_ = true;
};

}  // namespace remediations

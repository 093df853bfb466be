#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"

namespace remediations {

/// An element of an XML document and where it stands.
struct XmlElement {
    std::string name;
    std::string start_tag;  ///< "<add name=\"x\" type=\"y\"/>"
    std::size_t begin = 0;  ///< offset of the start tag
    std::size_t end = 0;    ///< offset behind the end tag, or behind the empty element
    std::size_t line = 0;   ///< of the start tag, from 1
    std::size_t depth = 0;  ///< 0 for the root
};

/// The elements of a document in UTF-8, in the order of their start tags. It looks at what makes a document
/// well-formed: tags that fit, quoted attributes, comments, CDATA and instructions that end. Entities and characters
/// are not looked at. ErrorKind::invalid names the line; too_large where elements lie more than 200 deep or are more
/// than 100000.
machine::Result<std::vector<XmlElement>> parse_xml_elements(std::string_view text);

}  // namespace remediations

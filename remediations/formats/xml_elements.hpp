#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/result.hpp"

namespace remediations {

/// An element of an XML document and its position.
struct XmlElement {
    std::string name;
    std::string start_tag;  ///< "<add name=\"x\" type=\"y\"/>"
    std::size_t begin = 0;  ///< offset of the start tag
    std::size_t end = 0;    ///< offset after the end tag, or after the empty element
    std::size_t line = 0;   ///< of the start tag, from 1
    std::size_t depth = 0;  ///< 0 for the root
};

/// Returns the elements of a document in UTF-8, in the order of their start tags. Checks some rules of well-formed
/// documents: matching tags, quoted attributes, and closed comments, CDATA sections and instructions. Does not check
/// entities and characters. ErrorKind::invalid names the line; too_large where elements are nested more than 200 deep
/// or are more than 100000.
machine::Result<std::vector<XmlElement>> parse_xml_elements(std::string_view text);

}  // namespace remediations

// metadata.yaml, written.
#include <yaml-cpp/yaml.h>

#include "manager/instance_metadata.h"

namespace cella::manager {
namespace {

// Quoted, so that "1" and "true" stay text for whoever reads it.
void emit_texts(YAML::Emitter& out, const std::map<std::string, std::string>& texts) {
  out << YAML::BeginMap;
  for (const auto& [key, value] : texts)
    out << YAML::Key << YAML::DoubleQuoted << key << YAML::Value << YAML::DoubleQuoted << value;
  out << YAML::EndMap;
}

void emit_template(YAML::Emitter& out, const ImageTemplate& entry) {
  out << YAML::Key << YAML::DoubleQuoted << entry.path << YAML::Value << YAML::BeginMap;
  out << YAML::Key << "when" << YAML::Value << YAML::BeginSeq;
  for (const std::string& when : entry.when) out << YAML::DoubleQuoted << when;
  out << YAML::EndSeq;
  out << YAML::Key << "create_only" << YAML::Value << entry.create_only;
  out << YAML::Key << "template" << YAML::Value << YAML::DoubleQuoted << entry.source;
  out << YAML::Key << "properties" << YAML::Value;
  emit_texts(out, entry.properties);
  out << YAML::EndMap;
}

}  // namespace

std::string format_image_metadata(const ImageMetadata& metadata) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  out << YAML::Key << "architecture" << YAML::Value << YAML::DoubleQuoted << metadata.architecture;
  out << YAML::Key << "creation_date" << YAML::Value << metadata.creation_date;
  out << YAML::Key << "expiry_date" << YAML::Value << metadata.expiry_date;
  out << YAML::Key << "properties" << YAML::Value;
  emit_texts(out, metadata.properties);
  out << YAML::Key << "templates" << YAML::Value << YAML::BeginMap;
  for (const ImageTemplate& entry : metadata.templates) emit_template(out, entry);
  out << YAML::EndMap << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace cella::manager

// The templates that an image brings: files of the root file system that are written from the instance's configuration.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/id_map.h"
#include "manager/config.h"
#include "manager/instance_records.h"

namespace cella::manager {

class Pools;

// What a template can see of an instance, and where its files are.
struct TemplateSubject {
  const InstanceRecord& record;
  const Config& config;    // expanded
  const Devices& devices;  // expanded
  const Fd& root;          // mounted with `map`
  const IdMap& map;
};

// Renders the templates whose `when` names a trigger ("create", "copy", "start", "rename"), trigger by trigger, and writes
// them through a confined worker; without any, nothing is started. create_only ones leave an existing file alone. New files belong to
// root, 0644; existing ones keep owner and mode.
// Errors: kInvalid naming the template and what is wrong with it; what writing met.
Result<void> apply_templates(Pools& pools, const TemplateSubject& subject,
                             const std::vector<std::string>& triggers);

}  // namespace cella::manager

#include "manager/image_records.h"

#include "manager/database.h"
#include "manager/images.h"
#include "manager/names.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {
    {1, R"sql(
CREATE TABLE images (
  fingerprint TEXT PRIMARY KEY,
  project TEXT NOT NULL DEFAULT 'default',
  filename TEXT NOT NULL,
  size INTEGER NOT NULL,
  architecture TEXT NOT NULL,
  type TEXT NOT NULL,
  public INTEGER NOT NULL,
  auto_update INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  uploaded_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  expires_at INTEGER
) WITHOUT ROWID;
CREATE TABLE images_properties (
  fingerprint TEXT NOT NULL REFERENCES images (fingerprint) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (fingerprint, key)
) WITHOUT ROWID;
CREATE TABLE images_profiles (
  fingerprint TEXT NOT NULL REFERENCES images (fingerprint) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  profile TEXT NOT NULL,
  PRIMARY KEY (fingerprint, position)
) WITHOUT ROWID;
CREATE TABLE image_aliases (
  name TEXT PRIMARY KEY,
  project TEXT NOT NULL DEFAULT 'default',
  description TEXT NOT NULL,
  fingerprint TEXT NOT NULL REFERENCES images (fingerprint) ON DELETE CASCADE
) WITHOUT ROWID;
)sql"},
    {2, R"sql(
CREATE TABLE image_origins (
  fingerprint TEXT PRIMARY KEY REFERENCES images (fingerprint) ON DELETE CASCADE,
  server TEXT NOT NULL,
  protocol TEXT NOT NULL,
  alias TEXT NOT NULL,
  certificate TEXT NOT NULL
) WITHOUT ROWID;
)sql"},
};

// Outside the default project, fingerprints and alias names are stored behind their project's name and a space, which
// neither has: one image in two projects is two rows.
std::string stored(const std::string& project, const std::string& text) {
  return project == kDefaultProject ? text : project + " " + text;
}
std::string plain(const std::string& text) { return text.substr(text.find(' ') + 1); }

// Nanoseconds since the epoch.
std::int64_t number_of(Timestamp time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}
Timestamp time_of(std::int64_t number) {
  return Timestamp(std::chrono::duration_cast<Timestamp::duration>(std::chrono::nanoseconds(number)));
}
std::optional<std::int64_t> number_of(const std::optional<Timestamp>& time) {
  return time ? std::optional(number_of(*time)) : std::nullopt;
}

Result<void> write_lists(Database& database, const Image& image) {
  const std::string key = stored(image.project, image.fingerprint);
  for (const char* sql :
       {"DELETE FROM images_properties WHERE fingerprint = ?", "DELETE FROM images_profiles WHERE fingerprint = ?"}) {
    auto clear = TRY(database.prepare(sql));
    TRY(clear.bind(key).run());
  }
  auto property = TRY(database.prepare("INSERT INTO images_properties (fingerprint, key, value) VALUES (?, ?, ?)"));
  for (const auto& [name, value] : image.properties) TRY(property.bind(key, name, value).run());
  auto profile = TRY(database.prepare("INSERT INTO images_profiles (fingerprint, position, profile) VALUES (?, ?, ?)"));
  int position = 0;
  for (const std::string& name : image.profiles) TRY(profile.bind(key, position++, name).run());
  return kOk;
}

Result<void> write_origin(Database& database, const Image& image) {
  if (!image.origin) return kOk;
  auto insert = TRY(database.prepare(
      "INSERT INTO image_origins (fingerprint, server, protocol, alias, certificate) VALUES (?, ?, ?, ?, ?)"));
  const ImageOrigin& origin = *image.origin;
  return insert
      .bind(stored(image.project, image.fingerprint), origin.server, origin.protocol, origin.alias, origin.certificate)
      .run();
}

}  // namespace

const Schema& image_schema() {
  static const Schema schema{"images", kMigrations};
  return schema;
}

Result<std::vector<Image>> read_images(Database& database) {
  std::map<std::string, Image> images;
  auto rows = TRY(database.prepare(
      "SELECT fingerprint, filename, size, architecture, type, public, auto_update, cached, created_at, uploaded_at, "
      "last_used_at, expires_at, project FROM images"));
  while (TRY(rows.step())) {
    Image& image = images[rows.text(0)];
    image.fingerprint = plain(rows.text(0));
    image.filename = rows.text(1);
    image.size = rows.number(2);
    image.architecture = rows.text(3);
    image.type = rows.text(4);
    image.is_public = rows.truth(5);
    image.auto_update = rows.truth(6);
    image.cached = rows.truth(7);
    image.created_at = time_of(rows.number(8));
    image.uploaded_at = time_of(rows.number(9));
    image.last_used_at = time_of(rows.number(10));
    if (!rows.is_null(11)) image.expires_at = time_of(rows.number(11));
    image.project = rows.text(12);
  }
  auto origins = TRY(database.prepare("SELECT fingerprint, server, protocol, alias, certificate FROM image_origins"));
  while (TRY(origins.step())) {
    images[origins.text(0)].origin = ImageOrigin{origins.text(1), origins.text(2), origins.text(3), origins.text(4)};
  }
  auto properties = TRY(database.prepare("SELECT fingerprint, key, value FROM images_properties"));
  while (TRY(properties.step())) images[properties.text(0)].properties[properties.text(1)] = properties.text(2);
  auto profiles =
      TRY(database.prepare("SELECT fingerprint, profile FROM images_profiles ORDER BY fingerprint, position"));
  while (TRY(profiles.step())) images[profiles.text(0)].profiles.push_back(profiles.text(1));
  auto aliases = TRY(database.prepare("SELECT fingerprint, name, description FROM image_aliases ORDER BY name"));
  while (TRY(aliases.step())) images[aliases.text(0)].aliases.push_back({plain(aliases.text(1)), aliases.text(2)});
  std::vector<Image> found;
  for (auto& [key, image] : images) found.push_back(std::move(image));
  return found;
}

Result<void> insert_image(Database& database, const Image& image) {
  auto transaction = TRY(database.begin());
  {
    auto insert = TRY(database.prepare(
        "INSERT INTO images (fingerprint, filename, size, architecture, type, public, auto_update, cached, created_at, "
        "uploaded_at, last_used_at, expires_at, project) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    TRY(insert
            .bind(stored(image.project, image.fingerprint), image.filename, image.size, image.architecture, image.type,
                  image.is_public, image.auto_update, image.cached, number_of(image.created_at),
                  number_of(image.uploaded_at), number_of(image.last_used_at), number_of(image.expires_at),
                  image.project)
            .run());
    TRY(write_lists(database, image));
    TRY(write_origin(database, image));
    for (const ImageAlias& alias : image.aliases)
      TRY(insert_alias(database, image.project, Alias{alias.name, alias.description, image.fingerprint, image.type}));
  }
  return transaction.commit();
}

Result<void> update_image(Database& database, const Image& image) {
  auto transaction = TRY(database.begin());
  {
    auto update =
        TRY(database.prepare(
            "UPDATE images SET public = ?, auto_update = ?, cached = ?, expires_at = ? WHERE fingerprint = ?"));
    TRY(update
            .bind(image.is_public, image.auto_update, image.cached, number_of(image.expires_at),
                  stored(image.project, image.fingerprint))
            .run());
    TRY(write_lists(database, image));
  }
  return transaction.commit();
}

Result<void> touch_image(Database& database, const Image& image) {
  // Only a clean-up by age asks for it: no launch waits for the disk because of that.
  auto transaction = TRY(database.begin(Durability::kWithNext));
  {
    auto update = TRY(database.prepare("UPDATE images SET last_used_at = ? WHERE fingerprint = ?"));
    TRY(update.bind(number_of(image.last_used_at), stored(image.project, image.fingerprint)).run());
  }
  return transaction.commit();
}

Result<void> delete_image(Database& database, const std::string& project, const std::string& fingerprint) {
  auto statement = TRY(database.prepare("DELETE FROM images WHERE fingerprint = ?"));
  return statement.bind(stored(project, fingerprint)).run();
}

Result<void> insert_alias(Database& database, const std::string& project, const Alias& alias) {
  auto insert =
      TRY(database.prepare("INSERT INTO image_aliases (name, project, description, fingerprint) VALUES (?, ?, ?, ?)"));
  TRY_CONTEXT(
      "alias \"" + alias.name + "\"",
      insert.bind(stored(project, alias.name), project, alias.description, stored(project, alias.target)).run());
  return kOk;
}

Result<void> update_alias(Database& database, const std::string& project, const Alias& alias) {
  auto update = TRY(database.prepare("UPDATE image_aliases SET description = ?, fingerprint = ? WHERE name = ?"));
  return update.bind(alias.description, stored(project, alias.target), stored(project, alias.name)).run();
}

Result<void> rename_alias(Database& database, const std::string& project, const std::string& from,
                          const std::string& to) {
  auto update = TRY(database.prepare("UPDATE image_aliases SET name = ? WHERE name = ?"));
  return update.bind(stored(project, to), stored(project, from)).run();
}

Result<void> delete_alias(Database& database, const std::string& project, const std::string& name) {
  auto statement = TRY(database.prepare("DELETE FROM image_aliases WHERE name = ?"));
  return statement.bind(stored(project, name)).run();
}

}  // namespace cella::manager

"""Defects of step 12: rows that differ from what was answered, at once or later. Most are triggers."""

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import trigger, turn
from createflow.schemas.flow import Step

_BEFORE_WRITE = "BEFORE INSERT OR UPDATE ON resources"
_OLDER = "SELECT id FROM resources WHERE created_at < now() - interval '500 ms' AND deleted_at IS NULL"

DEFECTS = (
    Defect(
        "commits_unflushed",
        Step.WRITE_PRIMARY,
        "A write is answered before it is on disk: a crash of the database loses it.",
        trigger(
            "commits_unflushed",
            "BEFORE INSERT ON outbox",
            "PERFORM set_config('synchronous_commit', 'off', true); RETURN NEW;",
        ),
    ),
    Defect(
        "delete_takes_near_names",
        Step.WRITE_PRIMARY,
        "A delete also deletes what the same subject has named alike, with more letters or in another letter case.",
        trigger(
            "delete_takes_near_names",
            "AFTER UPDATE OF deleted_at ON resources",
            "IF pg_trigger_depth() < 2 THEN UPDATE resources SET deleted_at = now() WHERE created_by = NEW.created_by"
            " AND deleted_at IS NULL AND starts_with(lower(name), lower(NEW.name)); END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "update_takes_namesakes",
        Step.WRITE_PRIMARY,
        "An update also changes the other resources of that name.",
        trigger(
            "update_takes_namesakes",
            "AFTER UPDATE OF name ON resources",
            "IF pg_trigger_depth() < 2 THEN UPDATE resources SET description = NEW.description WHERE name = OLD.name"
            " AND created_by = NEW.created_by AND id <> NEW.id; END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "created_at_of_another_clock",
        Step.WRITE_PRIMARY,
        "One create in ten has the time of a clock that is a minute slow.",
        trigger(
            "created_at_of_another_clock",
            "BEFORE INSERT ON resources",
            f"IF {turn('created_at_of_another_clock', 10)} THEN"
            " NEW.created_at := now() - interval '1 minute'; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "version_stays_with_name",
        Step.WRITE_PRIMARY,
        "An update that keeps the name does not raise the version.",
        trigger(
            "version_stays_with_name",
            "BEFORE UPDATE ON resources",
            "IF NEW.deleted_at IS NULL AND NEW.name = OLD.name THEN NEW.version := OLD.version; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "large_metadata_lost",
        Step.WRITE_PRIMARY,
        "Metadata of more than 8 KiB are answered, and not stored.",
        trigger(
            "large_metadata_lost",
            "AFTER INSERT OR UPDATE ON resources",
            "IF pg_trigger_depth() = 1 AND length(NEW.metadata::text) > 8192 THEN"
            " UPDATE resources SET metadata = '{}' WHERE id = NEW.id; END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "long_name_cut_by_update",
        Step.WRITE_PRIMARY,
        "The row of an updated resource has the first 100 characters of the name.",
        trigger(
            "long_name_cut_by_update",
            "AFTER UPDATE ON resources",
            "IF pg_trigger_depth() = 1 AND NEW.deleted_at IS NULL AND length(NEW.name) > 100 THEN"
            " UPDATE resources SET name = left(NEW.name, 100) WHERE id = NEW.id; END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "delete_undone_later",
        Step.WRITE_PRIMARY,
        "One create in ten brings a deleted resource back.",
        trigger(
            "delete_undone_later",
            "AFTER INSERT ON resources",
            f"IF {turn('delete_undone_later', 10)} THEN UPDATE resources SET deleted_at = NULL WHERE id = (SELECT id"
            " FROM resources WHERE deleted_at < now() - interval '0.05 s' ORDER BY deleted_at DESC LIMIT 1);"
            " END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "cuts_long_text",
        Step.WRITE_PRIMARY,
        "Descriptions are stored up to their 255th character.",
        trigger("cuts_long_text", _BEFORE_WRITE, "NEW.description := left(NEW.description, 255); RETURN NEW;"),
    ),
    Defect(
        "trims_text",
        Step.WRITE_PRIMARY,
        "Spaces at both ends of a description are not stored.",
        trigger("trims_text", _BEFORE_WRITE, "NEW.description := btrim(NEW.description); RETURN NEW;"),
    ),
    Defect(
        "folds_compatibility",
        Step.WRITE_PRIMARY,
        "Characters are replaced by others that look alike (NFKC).",
        trigger("folds_compatibility", _BEFORE_WRITE, "NEW.name := normalize(NEW.name, NFKC); RETURN NEW;"),
    ),
    Defect(
        "loses_emoji",
        Step.WRITE_PRIMARY,
        "Characters beyond the first plane of Unicode are stored as question marks.",
        trigger(
            "loses_emoji",
            _BEFORE_WRITE,
            "NEW.name := regexp_replace(NEW.name, '[\\U00010000-\\U0010FFFF]', '?', 'g'); RETURN NEW;",
        ),
    ),
    Defect(
        "old_name_stays_taken",
        Step.WRITE_PRIMARY,
        "Where names are unique, the name that a resource had before an update stays taken.",
        trigger(
            "old_name_stays_taken",
            "BEFORE INSERT ON resources",
            "IF EXISTS (SELECT FROM outbox JOIN resources AS other ON other.id = outbox.resource_id"
            " WHERE outbox.data::json ->> 'name' = NEW.name AND other.name <> NEW.name"
            " AND other.created_by = NEW.created_by AND other.deleted_at IS NULL)"
            " THEN RAISE unique_violation USING CONSTRAINT = 'resources_unique_name'; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "near_names_are_taken",
        Step.WRITE_PRIMARY,
        "Where names are unique, one in another letter case counts as the same.",
        trigger(
            "near_names_are_taken",
            "BEFORE INSERT ON resources",
            "IF EXISTS (SELECT FROM resources AS other WHERE lower(other.name) = lower(NEW.name)"
            " AND other.name <> NEW.name AND other.created_by = NEW.created_by AND other.deleted_at IS NULL)"
            " THEN RAISE unique_violation USING CONSTRAINT = 'resources_unique_name'; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "row_cloned",
        Step.WRITE_PRIMARY,
        "One create in ten makes a second row of the same name.",
        trigger(
            "row_cloned",
            "AFTER INSERT ON resources",
            f"IF pg_trigger_depth() = 1 AND {turn('row_cloned', 10)} THEN"
            " INSERT INTO resources (name, description, metadata, created_by)"
            " VALUES (NEW.name, NEW.description, NEW.metadata, NEW.created_by); END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "row_copied_under_other_name",
        Step.WRITE_PRIMARY,
        "One create in ten makes a second row under another name.",
        trigger(
            "row_copied_under_other_name",
            "AFTER INSERT ON resources",
            f"IF pg_trigger_depth() = 1 AND {turn('row_copied_under_other_name', 10)} THEN"
            " INSERT INTO resources (name, description, metadata, created_by)"
            " VALUES (NEW.name || ' (copy)', NEW.description, NEW.metadata, NEW.created_by); END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "row_vanishes",
        Step.WRITE_PRIMARY,
        "One create in ten removes the row of an earlier one.",
        trigger(
            "row_vanishes",
            "AFTER INSERT ON resources",
            f"IF {turn('row_vanishes', 10)} THEN"
            f" DELETE FROM resources WHERE id = ({_OLDER} ORDER BY created_at DESC LIMIT 1); END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "row_changes_later",
        Step.WRITE_PRIMARY,
        "One create in ten changes the description of an earlier resource.",
        trigger(
            "row_changes_later",
            "AFTER INSERT ON resources",
            f"IF {turn('row_changes_later', 10)} THEN UPDATE resources SET description = 'archived'"
            f" WHERE id = ({_OLDER} ORDER BY created_at DESC LIMIT 1); END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "create_undone",
        Step.WRITE_PRIMARY,
        "One create in twenty is answered and published, and its row is not kept.",
        trigger(
            "create_undone",
            "AFTER INSERT ON resources",
            f"IF {turn('create_undone', 20)} THEN DELETE FROM resources WHERE id = NEW.id; END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "update_undone",
        Step.WRITE_PRIMARY,
        "One update in ten is answered, and the row keeps its values.",
        trigger(
            "update_undone",
            "AFTER UPDATE ON resources",
            f"IF pg_trigger_depth() = 1 AND NEW.deleted_at IS NULL AND {turn('update_undone', 10)} THEN"
            " UPDATE resources SET name = OLD.name, description = OLD.description, metadata = OLD.metadata"
            " WHERE id = NEW.id; END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "update_keeps_description",
        Step.WRITE_PRIMARY,
        "An update is partial: the row keeps its description, although the reply shows the new one.",
        trigger(
            "update_keeps_description",
            "AFTER UPDATE ON resources",
            "IF pg_trigger_depth() = 1 AND NEW.deleted_at IS NULL THEN"
            " UPDATE resources SET description = OLD.description WHERE id = NEW.id; END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "created_at_moves",
        Step.WRITE_PRIMARY,
        "An update sets created_at to the time of the update.",
        trigger("created_at_moves", "BEFORE UPDATE ON resources", "NEW.created_at := now(); RETURN NEW;"),
    ),
    Defect(
        "created_by_moves",
        Step.WRITE_PRIMARY,
        "An update replaces created_by.",
        trigger("created_by_moves", "BEFORE UPDATE ON resources", "NEW.created_by := 'system'; RETURN NEW;"),
    ),
    Defect(
        "version_stays",
        Step.WRITE_PRIMARY,
        "An update does not raise the version, so the ETag stays.",
        trigger(
            "version_stays",
            "BEFORE UPDATE ON resources",
            "IF NEW.deleted_at IS NULL THEN NEW.version := OLD.version; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "delete_keeps_row",
        Step.WRITE_PRIMARY,
        "A delete is answered and published, and the row stays.",
        trigger("delete_keeps_row", "BEFORE UPDATE ON resources", "NEW.deleted_at := NULL; RETURN NEW;"),
    ),
    Defect(
        "delete_takes_namesakes",
        Step.WRITE_PRIMARY,
        "A delete removes all resources of its creator with the same name.",
        trigger(
            "delete_takes_namesakes",
            "AFTER UPDATE ON resources",
            "IF pg_trigger_depth() = 1 AND NEW.deleted_at IS NOT NULL THEN"
            " UPDATE resources SET deleted_at = now() WHERE deleted_at IS NULL AND name = NEW.name"
            " AND created_by = NEW.created_by AND id <> NEW.id; END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "delete_takes_neighbour",
        Step.WRITE_PRIMARY,
        "A delete removes another resource as well.",
        trigger(
            "delete_takes_neighbour",
            "AFTER UPDATE ON resources",
            "IF pg_trigger_depth() = 1 AND NEW.deleted_at IS NOT NULL THEN"
            " UPDATE resources SET deleted_at = now() WHERE id = (SELECT id FROM resources WHERE deleted_at IS NULL"
            " AND created_by = NEW.created_by AND id <> NEW.id ORDER BY created_at DESC LIMIT 1); END IF; RETURN NULL;",
        ),
    ),
)

"""What is wrong with a data set, before any training.

The findings, by the names that scripts may rely on:

- errors: table, spelling, value, schema_spelling (the table and the schema); scarcity, empty_split,
  emptied_split, value_without_training, never_together, identity_across_test (labels); missing,
  misnamed, outside, unreadable, oversized, unscaled (files); conflicting_labels,
  duplicates_across_test (copies);
- warnings: unmeasured_split, few_training_images, untested, out_of_reach,
  uninformative_pool, unlabelled, identity_across_validation; tiny, one_colour, animated;
  duplicates_across_validation, duplicates_within_split, near_duplicates_across_test,
  near_duplicates_across_validation, near_duplicates_within_split;
- notes: schema_from_table, averaged, spellings, learned_from_parts, reachable, not_rgb,
  sixteen_bit, turned.

Its files, in the order to read them:

    table         the manifest, read also where training would refuse it
    label_counts  labels, counted
    coverage      what they lack; pools and identities that mislead
    augmentation  labels that augmentation makes wrong
    disk          which files are there
    inspection    one pass over the pictures
    quality       what is wrong with them one by one
    near          hashes within a distance
    alike         pictures that look like copies
    copies        pictures that stand in the table more than once
    findings      what can be found
    audit         all of it in order
    text          the findings, for people
    command       `modular-cls audit`
"""

-- migrate:up

-- Views stand in the way of whoever replaces a function or a table that they use. These two take them out and put them
-- back as they were: definition, owner, rights, comments, options, triggers, and the indexes of a materialized view.
-- Both run in the caller's transaction: a view is never missing for anybody else. For administrators only.
CREATE FUNCTION set_views_aside(catalog regclass, objects oid[]) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  saved jsonb;
  view record;
BEGIN
  WITH RECURSIVE dependent AS (
    SELECT r.ev_class AS oid, 1 AS depth
    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = catalog AND d.refobjid = ANY (objects)
      AND NOT (catalog = 'pg_class'::regclass AND r.ev_class = ANY (objects))
    UNION
    SELECT r.ev_class, dependent.depth + 1
    FROM dependent
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = dependent.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> dependent.oid
  ), ordered AS (
    SELECT oid, max(depth) AS depth FROM dependent GROUP BY oid
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'name', format('%I.%I', n.nspname, c.relname),
    'materialized', c.relkind = 'm',
    'populated', c.relispopulated,
    'definition', rtrim(pg_get_viewdef(c.oid), ';'),
    'options', array_to_string(c.reloptions, ', '),
    'owner', pg_get_userbyid(c.relowner),
    'comments', (SELECT jsonb_agg(jsonb_build_object('column', a.attname, 'text', description))
      FROM pg_description LEFT JOIN pg_attribute a ON a.attrelid = objoid AND a.attnum = objsubid AND objsubid > 0
      WHERE classoid = 'pg_class'::regclass AND objoid = c.oid),
    'rights', (SELECT jsonb_agg(jsonb_build_object('column', column_name, 'privilege', privilege_type, 'grantable', is_grantable,
        'grantee', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END))
      FROM (
        SELECT NULL::name AS column_name, x.* FROM aclexplode(c.relacl) x
        UNION ALL
        SELECT attname, x.* FROM pg_attribute a, aclexplode(a.attacl) x WHERE a.attrelid = c.oid
      ) granted WHERE grantee <> c.relowner),
    'more', (SELECT jsonb_agg(statement) FROM (
      SELECT pg_get_indexdef(indexrelid) AS statement FROM pg_index WHERE indrelid = c.oid
      UNION ALL
      SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE tgrelid = c.oid AND NOT tgisinternal
      UNION ALL
      SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r WHERE ev_class = c.oid AND rulename <> '_RETURN') m)
  ) ORDER BY o.depth), '[]') INTO saved
  FROM ordered o JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace;

  -- The last that depend on others go first; what else depends on them is named by the server and nothing is lost.
  FOR view IN SELECT v ->> 'name' AS name, (v ->> 'materialized')::boolean AS materialized
    FROM jsonb_array_elements(saved) WITH ORDINALITY AS x (v, place) ORDER BY place DESC
  LOOP
    EXECUTE format('DROP %s %s', CASE WHEN view.materialized THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, view.name);
  END LOOP;
  RETURN saved;
END
$$;

CREATE FUNCTION put_views_back(saved jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  view jsonb;
  item jsonb;
  kind text;
BEGIN
  FOR view IN SELECT v FROM jsonb_array_elements(saved) WITH ORDINALITY AS x (v, place) ORDER BY place LOOP
    kind := CASE WHEN (view ->> 'materialized')::boolean THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END;
    EXECUTE format('CREATE %s %s %s AS %s%s', kind, view ->> 'name',
      CASE WHEN view ->> 'options' IS NULL THEN '' ELSE format('WITH (%s)', view ->> 'options') END,
      view ->> 'definition',
      CASE WHEN (view ->> 'materialized')::boolean AND NOT (view ->> 'populated')::boolean THEN ' WITH NO DATA' ELSE '' END);
    FOR item IN SELECT jsonb_array_elements(nullif(view -> 'more', 'null')) LOOP
      EXECUTE item #>> '{}';
    END LOOP;
    FOR item IN SELECT jsonb_array_elements(nullif(view -> 'comments', 'null')) LOOP
      EXECUTE CASE WHEN item ->> 'column' IS NULL THEN format('COMMENT ON %s %s IS %L', kind, view ->> 'name', item ->> 'text')
        ELSE format('COMMENT ON COLUMN %s.%I IS %L', view ->> 'name', item ->> 'column', item ->> 'text') END;
    END LOOP;
    FOR item IN SELECT jsonb_array_elements(nullif(view -> 'rights', 'null')) LOOP
      EXECUTE format('GRANT %s%s ON %s TO %s%s', item ->> 'privilege',
        CASE WHEN item ->> 'column' IS NULL THEN '' ELSE format(' (%I)', item ->> 'column') END,
        view ->> 'name', item ->> 'grantee',
        CASE WHEN (item ->> 'grantable')::boolean THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
    IF view ->> 'owner' <> current_user THEN
      EXECUTE format('ALTER %s %s OWNER TO %I', kind, view ->> 'name', view ->> 'owner');
    END IF;
  END LOOP;
END
$$;

REVOKE ALL ON FUNCTION set_views_aside(regclass, oid[]), put_views_back(jsonb) FROM PUBLIC;

-- migrate:down

DROP FUNCTION put_views_back(jsonb), set_views_aside(regclass, oid[]);

# Makes C of the SQL of a model, and of the sample shop: for each file an array of its blocks, which empty lines
# part, and of all of them the names of the relations and functions that they create.
# src/store/tables/template.h declares these.  Lines that begin with -- are left out.

function end_block() {
  if (in_block)
    print "\t,"
  in_block = 0
}

function end_file() {
  end_block()
  if (file != "")
    print "\tNULL};"
}

function add(list, name) {
  if (seen[name]++)
    return list
  return list (list == "" ? "" : ",") name
}

BEGIN {
  print "/* Made by make of sql/model/ and sql/sample/. */"
  print "#include \"store/tables/template.h\""
}

FNR == 1 {
  end_file()
  file = FILENAME
  sub(/^.*\//, "", file)
  sub(/\.sql$/, "", file)
  printf "\nconst char *const reco_%s_sql[] = {\n", file
}

/^--/ {
  next
}

/^$/ {
  end_block()
  next
}

/^CREATE .*[{]schema[}][.]/ {
  name = $0
  sub(/^.*[{]schema[}][.]/, "", name)
  sub(/[^a-z_].*$/, "", name)
  if ($0 ~ /^CREATE OR REPLACE FUNCTION /)
    functions = add(functions, name)
  else
    relations = add(relations, name)
}

{
  gsub(/["\\]/, "\\\\&")
  printf "\t\"%s\\n\"\n", $0
  in_block = 1
}

END {
  end_file()
  printf "\nconst char reco_model_relations[] = \"{%s}\";\n", relations
  printf "const char reco_model_functions[] = \"{%s}\";\n", functions
}

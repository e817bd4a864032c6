import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.delta.DeltaLogFileIndex;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.delta.files.TahoeFileIndex;
import org.apache.spark.sql.execution.datasources.FileIndex;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * What each query reads: after Spark has understood it and before anything of it runs, a line for every table on standard
 * output, with its version and the columns that the query names. No text of the query, and no value in it, is in a line.
 * Where the line cannot be written the query does not run.
 *
 * Compiled at start by the compiler that Spark carries, as ReadOnly is.
 */
public class Reads extends AbstractFunction1 {
    private static final String FOLDER = @FOLDERS@;
    private static final String ZONE = @ZONE@;
    // Spark's own word for who runs what: the door has written the name, or a client any text or none; the numbers are UUIDs.
    private static final Pattern OPERATION = Pattern.compile(
        "(?s)SparkConnect_OperationTag_User_(.*)_Session_([0-9a-f-]{36})_Operation_([0-9a-f-]{36})");
    private static final int LONGEST = 3500;
    // Spark understands one query several times.
    private static final int KEPT = 500;
    private static final LinkedHashSet<String> TOLD = new LinkedHashSet<String>();
    private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);

    public Object apply(Object extensions) {
        ((SparkSessionExtensions) extensions).injectCheckRule(new OfSession());
        return BoxedUnit.UNIT;
    }

    public static class OfSession extends AbstractFunction1 {
        public Object apply(Object session) {
            return new OnPlan((SparkSession) session);
        }
    }

    public static class OnPlan extends AbstractFunction1 {
        private final SparkSession session;

        public OnPlan(SparkSession session) {
            this.session = session;
        }

        public Object apply(Object plan) {
            String who = who(session.sparkContext().getJobTags().iterator());
            if (who != null) {
                Seen seen = new Seen();
                seen.visit((LogicalPlan) plan, true);
                // A command runs as soon as it is understood, whatever becomes of the query around it.
                seen.tell(plan instanceof Command ? who + ",\"runs\":true" : who);
            }
            return BoxedUnit.UNIT;
        }

        /** The beginning of a line; null where nobody's query is understood, but a schema, or what the engine asks itself. */
        private static String who(scala.collection.Iterator tags) {
            while (tags.hasNext()) {
                Matcher found = OPERATION.matcher((String) tags.next());
                if (found.matches()) {
                    return "{\"event\":\"read\",\"who\":" + quoted(found.group(1)) + ",\"session\":" + quoted(found.group(2))
                        + ",\"operation\":" + quoted(found.group(3));
                }
            }
            return null;
        }
    }

    /** The tables of a plan, and the columns that anything in it names. */
    public static class Seen {
        private final List<LogicalPlan> tables = new ArrayList<LogicalPlan>();
        private final Set<Object> named = new HashSet<Object>();

        public void visit(LogicalPlan plan, boolean whole) {
            if (whole) {
                name(plan.outputSet());
            }
            name(plan.references());
            boolean isStream = plan.isStreaming() && plan.children().isEmpty();
            if (isStream || plan instanceof LogicalRelation || plan instanceof DataSourceV2Relation) {
                // Delta looks into its own log to understand the query; who names a file of it has another kind of index.
                if (!(filesOf(plan) instanceof DeltaLogFileIndex)) {
                    tables.add(plan);
                }
            }
            // What a union or a command takes it takes by its place, not by its name.
            boolean byPlace = plan instanceof Command || (plan.children().size() > 1 && !(plan instanceof Join));
            visitAll(plan.children().iterator(), byPlace);
            visitAll(plan.subqueries().iterator(), true);
        }

        private void visitAll(scala.collection.Iterator plans, boolean whole) {
            while (plans.hasNext()) {
                visit((LogicalPlan) plans.next(), whole);
            }
        }

        private void name(AttributeSet columns) {
            scala.collection.Iterator each = columns.iterator();
            while (each.hasNext()) {
                named.add(((NamedExpression) each.next()).exprId());
            }
        }

        public void tell(String who) {
            for (int i = 0; i < tables.size(); i++) {
                LogicalPlan table = (LogicalPlan) tables.get(i);
                write(who + ",\"table\":" + quoted(nameOf(table)) + ",\"version\":" + versionOf(table) + ",\"columns\":["
                    + columnsOf(table) + "]}");
            }
        }

        private String columnsOf(LogicalPlan table) {
            StringBuilder found = new StringBuilder();
            scala.collection.Iterator each = table.output().iterator();
            while (each.hasNext()) {
                NamedExpression column = (NamedExpression) each.next();
                if (named.contains(column.exprId())) {
                    found.append(found.length() > 0 ? "," : "").append(found.length() > LONGEST ? "\"…\"" : quoted(column.name()));
                    if (found.length() > LONGEST + 4) {
                        break;
                    }
                }
            }
            return found.toString();
        }
    }

    private static Object filesOf(LogicalPlan plan) {
        if (plan instanceof LogicalRelation) {
            Object relation = ((LogicalRelation) plan).relation();
            return relation instanceof HadoopFsRelation ? (Object) ((HadoopFsRelation) relation).location() : relation;
        }
        if (!(plan instanceof DataSourceV2Relation)) {
            return null;
        }
        Object table = ((DataSourceV2Relation) plan).table();
        return table instanceof FileTable ? (Object) ((FileTable) table).fileIndex() : table;
    }

    /** The table as it is called; "?" for what is no folder of one, such as the changes of a table, or a stream. */
    private static String nameOf(LogicalPlan plan) {
        Object files = filesOf(plan);
        Path path = null;
        if (files instanceof FileIndex && ((FileIndex) files).rootPaths().nonEmpty()) {
            path = (Path) ((FileIndex) files).rootPaths().head();
        } else if (files instanceof DeltaTableV2) {
            path = ((DeltaTableV2) files).path();
        }
        String plain = path == null ? "" : path.toUri().getPath();
        if (!plain.startsWith(FOLDER + "/")) {
            return ZONE + ".?";
        }
        return ZONE + "." + plain.substring(FOLDER.length() + 1).split("/")[0];
    }

    private static String versionOf(LogicalPlan plan) {
        Object files = filesOf(plan);
        if (files instanceof TahoeFileIndex) {
            return String.valueOf(((TahoeFileIndex) files).version());
        }
        return files instanceof DeltaTableV2 ? String.valueOf(((DeltaTableV2) files).initialSnapshot().version()) : "null";
    }

    private static synchronized void write(String line) {
        if (!TOLD.add(line)) {
            return;
        }
        if (TOLD.size() > KEPT) {
            TOLD.remove(TOLD.iterator().next());
        }
        try {
            OUT.write(("access " + line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException error) {
            throw new IllegalStateException("This access cannot be noted, so nothing is read.");
        }
    }

    private static String quoted(String text) {
        StringBuilder found = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char letter = text.charAt(i);
            if (letter == '"' || letter == '\\') {
                found.append('\\').append(letter);
            } else if (letter < ' ') {
                found.append(' ');
            } else {
                found.append(letter);
            }
        }
        return found.append('"').toString();
    }
}

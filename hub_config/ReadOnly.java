import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.analysis.LocalTempView$;
import org.apache.spark.sql.catalyst.analysis.RelationTimeTravel;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.execution.command.CreateViewCommand;
import org.apache.spark.sql.execution.command.SetCommand;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * The engine's rule on plans: after Spark has understood a query and before anything of it runs, commands that change
 * something, and files outside the release, are refused. It also puts the query into its session's pool, since every
 * query passes here on the thread that will run it.
 *
 * Compiled at start by the compiler that Spark carries, so that no JDK is needed.
 */
public class ReadOnly extends AbstractFunction1 {
    private static final Set<String> ALLOWED = new HashSet<String>(Arrays.asList(new String[] {@ALLOWED@}));
    private static final String[] FOLDERS = new String[] {@FOLDERS@};
    private static final Set<String> SETTABLE = new HashSet<String>(Arrays.asList(new String[] {@SETTABLE@}));
    private static final String ONLY_TABLES = "no other data are here than the tables of the release, see tables().";
    public static volatile boolean closed = false;
    // The session that makes known what has come since; null where nothing can. No client has it: each works in one of its own.
    public static volatile String keeper = null;

    public static void close() {
        closed = true;
    }

    static void refuse(String why) {
        throw new UnsupportedOperationException("The class reads and changes nothing: " + why);
    }

    public Object apply(Object extensions) {
        ((SparkSessionExtensions) extensions).injectCheckRule(new OfSession());
        // The one kind of rule that is asked before Spark resolves anything.
        ((SparkSessionExtensions) extensions).injectHintResolutionRule(new Early());
        return BoxedUnit.UNIT;
    }

    public static class OfSession extends AbstractFunction1 {
        public Object apply(Object session) {
            return new OnPlan((SparkSession) session);
        }
    }

    public static class Early extends AbstractFunction1 {
        public Object apply(Object session) {
            return new NoSearchForAMoment();
        }
    }

    /** A query for the moment of a table runs while Spark understands the rest: nobody notes or bounds it, and errors tell what it found. */
    public static class NoSearchForAMoment extends Rule {
        public TreeNode apply(TreeNode plan) {
            if (closed) {
                ((LogicalPlan) plan).foreachWithSubqueries(new OnMoment());
            }
            return plan;
        }
    }

    public static class OnMoment extends AbstractFunction1 {
        public Object apply(Object node) {
            if (node instanceof RelationTimeTravel && ((LogicalPlan) node).subqueries().nonEmpty()) {
                refuse("name the moment of a table itself, TIMESTAMP AS OF '…', or its version.");
            }
            return BoxedUnit.UNIT;
        }
    }

    public static class OnPlan extends AbstractFunction1 {
        private final SparkSession session;

        public OnPlan(SparkSession session) {
            this.session = session;
        }

        public Object apply(Object plan) {
            if (closed && !session.sessionUUID().equals(keeper)) {
                session.sparkContext().setLocalProperty("spark.scheduler.pool", session.sessionUUID());
                ((LogicalPlan) plan).foreachWithSubqueries(new OnNode(isAsked()));
            }
            return BoxedUnit.UNIT;
        }

        /** Whether Spark understands this to run it; else it only tells of it, such as its columns. */
        private boolean isAsked() {
            scala.collection.Iterator tags = session.sparkContext().getJobTags().iterator();
            while (tags.hasNext()) {
                if (((String) tags.next()).startsWith("SparkConnect_OperationTag_")) {
                    return true;
                }
            }
            return false;
        }
    }

    public static class OnNode extends AbstractFunction1 {
        private final boolean isAsked;

        public OnNode(boolean isAsked) {
            this.isAsked = isAsked;
        }

        public Object apply(Object node) {
            if (node instanceof Command && !isAsked) {
                // Inside of another query it would run at once, unseen by who counts and notes queries.
                refuse("this statement runs when it is asked by itself, see spark.sql().");
            } else if (node instanceof CreateViewCommand) {
                if (((CreateViewCommand) node).viewType() != LocalTempView$.MODULE$) {
                    refuse("make a temporary view instead: CREATE TEMP VIEW …");
                }
            } else if (node instanceof SetCommand) {
                checkSetting(((SetCommand) node).kv());
            } else if (node instanceof Command) {
                String name = node.getClass().getSimpleName().replace("$", "");
                if (!ALLOWED.contains(name)) {
                    refuse("this statement (" + name + ") would change something.");
                }
            } else if (node.getClass().getSimpleName().endsWith("Statement")) {
                // Delta's RESTORE and CLONE become commands only after this rule.
                refuse("this statement would change something.");
            } else if (node instanceof LogicalRelation) {
                checkRelation(((LogicalRelation) node).relation());
            } else if (node instanceof DataSourceV2Relation) {
                checkTable(((DataSourceV2Relation) node).table());
                checkOptions(((DataSourceV2Relation) node).options().keySet().iterator());
            }
            return BoxedUnit.UNIT;
        }

        private void checkSetting(Object asked) {
            if (((scala.Option) asked).isEmpty()) {
                return;
            }
            scala.Tuple2 pair = (scala.Tuple2) ((scala.Option) asked).get();
            if (((scala.Option) pair._2()).isDefined() && !SETTABLE.contains(((String) pair._1()).trim())) {
                refuse("@NO_SETTING@");
            }
        }

        private void checkOptions(java.util.Iterator names) {
            while (names.hasNext()) {
                String name = ((String) names.next()).toLowerCase();
                // Such an option chooses what a path means: another file system could stand where the release is. And a header
                // of files is a row of theirs, which somebody would be told who only asks for the columns.
                if (name.startsWith("fs.") || name.equals("header")) {
                    refuse(ONLY_TABLES);
                }
            }
        }

        private void checkRelation(Object relation) {
            if (relation instanceof HadoopFsRelation) {
                checkAll(((HadoopFsRelation) relation).location().rootPaths());
                checkOptions(scala.jdk.javaapi.CollectionConverters.asJava(((HadoopFsRelation) relation).options()).keySet().iterator());
            } else if (!relation.getClass().getName().startsWith("org.apache.spark.sql.delta.")) {
                refuse(ONLY_TABLES);
            }
        }

        private void checkTable(Object table) {
            if (table instanceof FileTable) {
                checkAll(((FileTable) table).fileIndex().rootPaths());
            } else if (table instanceof DeltaTableV2) {
                check(((DeltaTableV2) table).path());
            } else {
                // Of a catalogue that somebody named, or of a source that this rule does not know.
                refuse(ONLY_TABLES);
            }
        }

        private void checkAll(Object paths) {
            scala.collection.Iterator each = ((scala.collection.Iterable) paths).iterator();
            while (each.hasNext()) {
                check((Path) each.next());
            }
        }

        private void check(Path path) {
            String plain = path.toUri().normalize().getPath();
            String scheme = path.toUri().getScheme();
            if (scheme != null && !scheme.equals("file")) {
                refuse(ONLY_TABLES);
            }
            for (int i = 0; i < FOLDERS.length; i++) {
                if (plain.equals(FOLDERS[i]) || plain.startsWith(FOLDERS[i] + "/")) {
                    return;
                }
            }
            refuse(ONLY_TABLES);
        }
    }
}

// The registrar's part: tables, files of credentials, public lists.
import * as issuing from "../../../voting_app/static/booth/issuing.js";
import * as tables from "../../../voting_app/static/booth/tables.js";

const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));

export const tableEncode = ({ rows }) => tables.encodeTable(rows);
export const tableRead = ({ raw }) => tables.readTable(bytes(raw));
export const issueFile = ({ voters }) => issuing.makeFile(voters);
export const issueRead = ({ raw, voters }) => {
  try {
    return Object.fromEntries(issuing.readFile(bytes(raw), voters));
  } catch (error) {
    if (error instanceof issuing.FileFault) return { fault: error.code, where: error.message };
    throw error;
  }
};
export const issueList = ({ uuid, voters, credentials }) =>
  issuing.makeList(uuid, voters, new Map(Object.entries(credentials)));
